/**
 * Variables by which Bun would run other code in the executable. Witnesses: a file that the code would write, a
 * debugger's socket.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seal, sealedNames } from "../../../scripts/build/seal.mjs";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";

describe("The environment", () => {
  before(function () {
    needs(this, "ns-net");
  });

  const folder = mkdtempSync(join(tmpdir(), "ns-net-environment-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const [proof, code] = [join(folder, "ran"), join(folder, "code.js")];
  writeFileSync(code, `require("node:fs").writeFileSync(${JSON.stringify(proof)}, "")`);

  const run = (program: string, environment: Record<string, string>, ...words: string[]) => {
    const { exitCode, stdout } = Bun.spawnSync([program, ...words], {
      env: environment,
      stdin: Buffer.from("{}"),
      timeout: 20_000,
    });
    return [exitCode, stdout.toString().slice(0, 24)];
  };

  const attempts: Record<string, Record<string, string>> = {
    "BUN_OPTIONS with --preload": { BUN_OPTIONS: `--preload ${code}` },
    "BUN_OPTIONS with --require": { BUN_OPTIONS: `--require=${code}` },
    BUN_INSPECT_PRELOAD: { BUN_INSPECT_PRELOAD: code },
    "BUN_INSPECT, which waits for a debugger": { BUN_INSPECT: `ws+unix://${proof}?wait=1` },
    BUN_INSPECT_CONNECT_TO: { BUN_INSPECT_CONNECT_TO: `unix://${folder}/none` },
  };
  for (const [title, variables] of Object.entries(attempts)) {
    it(`runs nothing by ${title}`, () => {
      const version = run(nsNet, { ...variables, CNI_COMMAND: "VERSION" });
      assert.deepEqual(version, [0, '{"cniVersion":"1.1.0","s']);
      const refused = run(nsNet, { ...variables, CNI_COMMAND: "STATUS" });
      assert.deepEqual(refused, [1, '{"cniVersion":"1.1.0","c']);
      assert.equal(run(nsNet, variables, "--version")[0], 0);
      assert.equal(existsSync(proof), false);
    });
  }

  it("does not turn it into Bun by BUN_BE_BUN", () => {
    const [exitCode] = run(nsNet, { BUN_BE_BUN: "1" }, "run", code);
    assert.deepEqual([exitCode, existsSync(proof)], [2, false]);
  });

  it("would do all this to an executable that is not sealed", () => {
    const bun = join(folder, "bun");
    copyFileSync(process.execPath, bun);
    const probe = join(folder, "probe.js");
    writeFileSync(probe, "");
    run(bun, { BUN_OPTIONS: `--preload ${code}` }, probe);
    assert.equal(existsSync(proof), true);
    rmSync(proof);
    seal(bun);
    run(bun, { BUN_OPTIONS: `--preload ${code}` }, probe);
    assert.equal(existsSync(proof), false);
  });

  for (const name of sealedNames) {
    it(`is not built if ${name} is not found, and nothing is changed`, () => {
      const path = join(folder, "strange");
      const others = sealedNames.filter((other) => other !== name).map((other) => `\0${other}\0`);
      writeFileSync(path, others.join(" "));
      assert.throws(() => seal(path), RegExp(`Cannot seal .*: there is no ${name} in it`));
      assert.equal(readFileSync(path, "utf8"), others.join(" "));
    });
  }
});
