/** The set-up of a clone: without npm's registry, and the next step that a build prints. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";

const root = join(import.meta.dirname, "../../..");

const ready = (folder: string, words: readonly string[], environment: Record<string, string> = {}) => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["node", "scripts/setup/ready.mjs", ...words], {
    cwd: folder,
    env: { ...process.env, NSNET_PHASES: "", ...environment },
    stdin: null,
  });
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
};

describe("The set-up of a clone", function () {
  this.timeout(60_000);

  it("that cannot install its dependencies repeats npm's reason, says what failed, and the cure", () => {
    const folder = mkdtempSync(join(tmpdir(), "ns-net-clone-"));
    try {
      for (const one of ["package.json", "package-lock.json", "scripts"])
        cpSync(join(root, one), join(folder, one), { recursive: true });
      mkdirSync(join(folder, "bin"));
      const npm = "#!/bin/sh\necho 'npm error code EAI_AGAIN' >&2\nexit 1\n";
      writeFileSync(join(folder, "bin/npm"), npm, { mode: 0o755 });
      const path = `${join(folder, "bin")}:${process.env["PATH"]}`;
      const { code, out, err } = ready(folder, ["--build", "--next"], { PATH: path });
      assert.deepEqual([code, out], [1, ""]);
      assert.match(
        err.replace(/\d+\.\d s/, "0.1 s"),
        new RegExp(
          "^ready: install the dependencies \\(npm ci\\) …\n" +
            "ready: install the dependencies \\(npm ci\\): failed after 0\\.1 s\n" +
            "npm error code EAI_AGAIN\n" +
            "ready: npm ci .*: exit code 1\n" +
            "  It needs npm's registry\\. Connect this machine to it, .*run this again\n$",
        ),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("prints the next step, and nothing else if all is ready", function () {
    needs(this, "ns-net");
    const { code, out, err } = ready(root, ["--next"]);
    assert.deepEqual([code, out], [0, ""]);
    assert.match(err, /^\ndist\/ns-net is one file of \d+ MB for linux-(?:x64|arm64)\. To call it as ns-net:\n/);
    assert.match(err, /\n {2}(?:sudo )?install dist\/ns-net \/usr\/local\/bin\/\n/);
    assert.equal(ready(root, []).err, "");
  });
});
