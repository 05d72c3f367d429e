/** `npm pack` with the real executable, which takes half a minute: so it is here and not in `npm test`. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../support/sandbox.ts";

const root = join(import.meta.dirname, "../..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

describe("The package of npm pack", function () {
  this.timeout(300_000);

  it("installs without a network, and puts ns-net on PATH", () => {
    const folder = mkdtempSync(join(tmpdir(), "ns-net-package-"));
    try {
      run(["sh", "-c", `cd ${root} && npm pack --silent --ignore-scripts --pack-destination ${folder}`]);
      const install = ["npm", "install", "--global", "--offline", "--no-audit", "--no-fund"];
      const places = ["--cache", join(folder, "cache"), "--prefix", join(folder, "prefix")];
      run(["unshare", "--net", ...install, ...places, join(folder, `ns-net-${version}.tgz`)]);
      assert.equal(run([join(folder, "prefix/bin/ns-net"), "--version"]), `ns-net ${version}\n`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
