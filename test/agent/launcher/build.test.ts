/** The launcher as it is built: static, of the executable's version, the same bytes each time, also for arm64. */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileLauncher } from "../../../scripts/build/launcher.mjs";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { run } from "../../support/sandbox.ts";
import { skip } from "../../support/skip.ts";

const built = `${nsNet}-launcher`;
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../../package.json"), "utf8"));

describe("The launcher", function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(function () {
    needs(this, "ns-net", "ns-net-launcher");
    folder = mkdtempSync(join(tmpdir(), "ns-net-launcher-"));
  });
  afterEach(() => folder && rmSync(folder, { recursive: true, force: true }));

  /** Lays a script as the full executable beside a launcher. It shows how it was called. */
  function besideScript(launcher: string): string {
    const place = join(folder, "bin");
    mkdirSync(place);
    copyFileSync(launcher, join(place, "ns-net"));
    writeFileSync(join(place, "ns-net-full"), '#!/bin/sh\necho "$CNI_COMMAND id=$NSNET_HAND_OVER $*"; cat\n');
    for (const name of ["ns-net", "ns-net-full"]) chmodSync(join(place, name), 0o755);
    return join(place, "ns-net");
  }

  const called = (words: readonly string[], environment: Record<string, string>) => {
    const env = { NSNET_AGENT: join(folder, "none.sock"), PATH: "/usr/bin:/bin", ...environment };
    const { exitCode, stdout, stderr } = Bun.spawnSync([...words], { env, stdin: Buffer.from("the configuration") });
    return [exitCode, stdout.toString(), stderr.toString()];
  };

  it("needs no library of the machine", () => {
    assert.match(Bun.spawnSync(["ldd", built]).stderr.toString(), /not a dynamic executable/);
  });

  it("is of the executable's version, and says so in its bytes", () => {
    assert.equal(run([nsNet, "--version"]).trim(), `ns-net ${version}`);
    assert.ok(readFileSync(built).includes(`ns-net-launcher ${version}\0`));
  });

  it("has the same bytes each time", async () => {
    for (const name of ["a", "b"]) {
      mkdirSync(join(folder, name));
      await compileLauncher(process.arch as "x64", version, join(folder, name, "launcher"));
    }
    for (const other of [join(folder, "b/launcher"), built])
      assert.ok(readFileSync(join(folder, "a/launcher")).equals(readFileSync(other)), other);
  });

  it("without an agent becomes the full executable beside it, with the same input and an id", () => {
    const [code, out, err] = called([besideScript(built)], { CNI_COMMAND: "ADD" });
    assert.deepEqual([code, err], [0, ""]);
    assert.match(String(out), /^ADD id= \nthe configuration$/);
  });

  it("also after that executable lost its name", () => {
    const launcher = besideScript(built);
    rmSync(join(folder, "bin/ns-net-full"));
    copyFileSync(nsNet, join(folder, "bin/ns-net-full"));
    // Standard input stays open until the name is gone, and the launcher reads it to its end first.
    const script = `mkfifo in; ${launcher} <in >out & exec 3>in; until ls -l /proc/$!/fd | grep -q full; do :; done; rm bin/ns-net-full; echo x >&3; exec 3>&-; wait $!; cat out`;
    const env = { CNI_COMMAND: "STATUS", PATH: "/usr/bin:/bin", NSNET_AGENT: join(folder, "none.sock") };
    const { stdout } = Bun.spawnSync(["sh", "-c", script], { cwd: folder, env });
    assert.equal(JSON.parse(stdout.toString()).code, 6, "the configuration is no JSON, says the executable");
  });

  it("without that executable says what is missing", () => {
    const launcher = besideScript(built);
    rmSync(join(folder, "bin/ns-net-full"));
    const [code, out] = called([launcher], { CNI_COMMAND: "ADD" });
    assert.equal(code, 1);
    const { msg, details } = JSON.parse(String(out));
    assert.equal(msg, `Cannot run ${join(folder, "bin/ns-net-full")}: No such file or directory`);
    assert.match(details, /ns-net install --agent/);
  });

  it("is built for arm64 as well, and behaves the same there", async function () {
    needs(this, "aarch64-linux-gnu-gcc", "qemu-aarch64");
    if (process.arch === "arm64") skip(this, "this is arm64");
    const arm = join(folder, "arm");
    await compileLauncher("arm64", version, arm);
    // ELF: the machine is at byte 18; 183 is AArch64.
    assert.equal(readFileSync(arm).readUInt16LE(18), 183);
    const launcher = besideScript(arm);
    const [code, out, err] = called(["qemu-aarch64", launcher], { CNI_COMMAND: "DEL" });
    assert.deepEqual([code, err], [0, ""]);
    assert.match(String(out), /^DEL id= \nthe configuration$/);
    assert.equal(called(["qemu-aarch64", launcher, "ls", "--wide"], {})[1], " id= ls --wide\nthe configuration");
  });

  it("for a processor without a compiler is one sentence with its cure", async () => {
    const path = process.env.PATH;
    process.env.PATH = folder;
    try {
      await assert.rejects(
        compileLauncher("arm64", version, join(folder, "launcher")),
        /^Error: Cannot compile the launcher for arm64: there is no C compiler for it\. Install .*apt-get install gcc-/,
      );
    } finally {
      process.env.PATH = path;
    }
  });
});
