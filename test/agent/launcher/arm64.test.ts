/** The launcher for arm64, under qemu-user, with an agent of this machine: the messages are the same on both. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileLauncher } from "../../../scripts/build/launcher.mjs";
import { lab } from "../../cli/place.ts";
import type { Daemon } from "../../support/daemon.ts";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { run } from "../../support/sandbox.ts";
import { skip } from "../../support/skip.ts";
import { type InstalledPlace, installedPlace } from "../installed.ts";

describe("The launcher for arm64", function () {
  this.timeout(60_000);
  let machine: InstalledPlace;
  let agent: Daemon | undefined;

  beforeEach(async function () {
    needs(this, "ns-net", "ns-net-launcher", "bridge", "curl", "aarch64-linux-gnu-gcc", "qemu-aarch64");
    if (process.arch === "arm64") skip(this, "this is arm64");
    machine = installedPlace();
    const version = run([nsNet, "--version"]).trim().split(" ")[1]!;
    await compileLauncher("arm64", version, join(machine.binDir, "arm"));
    const emulated = `#!/bin/sh\nexec qemu-aarch64 -0 ns-net ${join(machine.binDir, "arm")} "$@"\n`;
    rmSync(join(machine.binDir, "ns-net"));
    writeFileSync(join(machine.binDir, "ns-net"), emulated, { mode: 0o755 });
  });
  afterEach(async () => {
    await agent?.end();
    agent = undefined;
    machine?.[Symbol.dispose]();
  });

  it("hands calls over, with the namespace as a descriptor, and prints the answers", async () => {
    agent = await machine.agent();
    const added = machine.call("ADD", "1", lab);
    assert.equal(added.code, 0, JSON.stringify(added.json));
    assert.equal(added.json.ips.length, 2);
    assert.match(machine.call("ADD", "2", { ...lab, mtu: "big" }).json.msg, /mtu/);
    assert.equal(machine.call("DEL", "1", lab).code, 0);
    const { calls, failed, declined } = JSON.parse(machine.ask("/status")[1]);
    assert.deepEqual([calls, failed, declined], [3, 1, {}]);
  });

  it("becomes the executable where there is no agent", () => {
    for (const verb of ["ADD", "DEL"]) {
      const { code, json } = machine.call(verb, "1", lab);
      assert.equal(code, 0, JSON.stringify(json));
    }
  });
});
