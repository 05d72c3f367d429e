/** An agent and an executable of another build use one store at the same time, as during an upgrade. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../../scripts/build/compile.mjs";
import { lab } from "../cli/place.ts";
import type { Daemon } from "../support/daemon.ts";
import { needs } from "../support/needs.ts";
import { environmentOf } from "../support/plugin.ts";
import { links, run } from "../support/sandbox.ts";
import { type InstalledPlace, installedPlace } from "./installed.ts";

const root = join(import.meta.dirname, "../..");

describe("An executable of another build", function () {
  this.timeout(120_000);
  let folder: string;
  let other: string;
  let machine: InstalledPlace;
  let agent: Daemon;

  before(async function () {
    needs(this, "ns-net", "ns-net-launcher", "bridge", "curl");
    folder = mkdtempSync(join(tmpdir(), "ns-net-build-"));
    run([process.execPath, join(root, "scripts/build/bundle.ts"), join(folder, "bundle")]);
    other = await compile(process.execPath, folder, "0.0.9");
    machine = installedPlace();
    agent = await machine.agent();
  });
  after(async () => {
    await agent?.end();
    machine?.[Symbol.dispose]();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** Does the verb for several containers at once, by the launcher for the even ones and by the other build for the odd ones. */
  async function all(command: "ADD" | "DEL", isOther: (i: number) => boolean): Promise<void> {
    const calls = Array.from({ length: 12 }, (_, i) => {
      const env = environmentOf({ command, config: {}, container: `c${i}`, ifname: `e${i}`, netns: machine.pod });
      const program = isOther(i) ? other : join(machine.binDir, "ns-net");
      const child = Bun.spawn(machine.place.host.inside([program]), {
        env: { ...env, NSNET_AGENT: machine.socket },
        stdio: [Buffer.from(JSON.stringify({ dataDir: machine.place.dataDir, ...lab })), "pipe", "pipe"],
      });
      return Promise.all([child.exited, child.stdout.text()]);
    });
    for (const [code, said] of await Promise.all(calls)) assert.equal(code, 0, said);
  }

  it("adds and deletes beside the agent, and each deletes what the other added", async () => {
    assert.equal(run([other, "--version"]).trim(), "ns-net 0.0.9");
    for (const isOther of [(i: number) => i % 2 === 0, (i: number) => i % 2 === 1]) {
      await all("ADD", isOther);
      const found = [...links(machine.pod).values()].flatMap(({ addr_info }) =>
        addr_info
          .filter(({ local }: { local: string }) => local.startsWith("10.20."))
          .map(({ local }: { local: string }) => local),
      );
      assert.equal(new Set(found).size, 12, "an address was given twice");
      await all("DEL", (i) => !isOther(i));
      assert.deepEqual([...links(machine.pod).keys()], ["lo"]);
    }
    const served = JSON.parse(machine.ask("/status")[1]);
    assert.equal(served.calls, 24);
  });
});
