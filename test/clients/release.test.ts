/** `npm run release` and `npm pack`. The witnesses are tar, sha256sum and npm. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../support/sandbox.ts";
import { skip } from "../support/skip.ts";

const root = join(import.meta.dirname, "../..");
const { version, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

describe("A release", function () {
  this.timeout(300_000);
  let folder = "";
  before(function () {
    // The sandbox has no network; scripts/setup/ready.mjs put it there.
    const cached = [
      "npm",
      "pack",
      "--silent",
      "--offline",
      "--dry-run",
      `@oven/bun-linux-x64-baseline@${devDependencies.bun}`,
    ];
    if (Bun.spawnSync(cached).exitCode !== 0) skip(this, "npm's cache lacks the runtime for a release");
    folder = mkdtempSync(join(tmpdir(), "ns-net-release-"));
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const release = (...words: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(["node", "scripts/build/release.mjs", ...words], { cwd: root });
    return { code: exitCode, err: stderr.toString() };
  };

  it("has an archive that works, checksums and a bill of materials", () => {
    const output = join(folder, "release");
    const { code, err } = release("--platform", "linux-x64", "--output", output);
    assert.equal(code, 0, err);
    const archive = `ns-net-${version}-linux-x64.tar.gz`;
    assert.deepEqual(readdirSync(output).sort(), ["SHA256SUMS", archive, `ns-net-${version}.cdx.json`]);
    run(["sh", "-c", `cd ${output} && sha256sum --check --strict SHA256SUMS`]);
    run(["tar", "-xzf", join(output, archive), "-C", folder]);
    const inside = join(folder, `ns-net-${version}-linux-x64`);
    assert.equal(run([join(inside, "ns-net"), "--version"]), `ns-net ${version}\n`);
    for (const file of ["README.md", "LICENSE", "ns-net.8", "completion/_ns-net", "examples/nat.yaml", "deploy"])
      assert.ok(existsSync(join(inside, file)), file);
    const bill = JSON.parse(readFileSync(join(output, `ns-net-${version}.cdx.json`), "utf8"));
    assert.equal(bill.bomFormat, "CycloneDX");
    assert.ok(bill.components.some(({ name }: { name: string }) => name === "bun"));
  });

  it("that fails says why in a sentence, and leaves the last one as it was", () => {
    const output = join(folder, "kept");
    run(["mkdir", output]);
    writeFileSync(join(output, "SHA256SUMS"), "of the last release");
    const { code, err } = release("--platform", "linux-mips", "--output", output);
    assert.equal(code, 1);
    assert.match(err, /^release: There is no platform linux-mips: give one of linux-x64, /);
    const offline = Bun.spawnSync(
      ["node", "scripts/build/release.mjs", "--platform", "linux-arm64", "--output", output],
      {
        cwd: root,
        env: { ...process.env, npm_config_cache: join(folder, "empty"), npm_config_offline: "true" },
      },
    );
    assert.equal(offline.exitCode, 1);
    assert.match(
      offline.stderr.toString(),
      /^release: Cannot get the runtime for linux-arm64 .*\n {2}Connect this machine/,
    );
    assert.equal(readFileSync(join(output, "SHA256SUMS"), "utf8"), "of the last release");
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith("kept")),
      ["kept"],
    );
  });

  it("as a package of npm installs without a network, and puts ns-net on PATH", () => {
    run(["sh", "-c", `cd ${root} && npm pack --silent --ignore-scripts --pack-destination ${folder}`]);
    const install = ["npm", "install", "--global", "--offline", "--no-audit", "--no-fund"];
    const places = ["--cache", join(folder, "cache"), "--prefix", join(folder, "prefix")];
    run(["unshare", "--net", ...install, ...places, join(folder, `ns-net-${version}.tgz`)]);
    assert.equal(run([join(folder, "prefix/bin/ns-net"), "--version"]), `ns-net ${version}\n`);
  });
});
