/**
 * Files are replaced while pods come and go. strace stops the install after each change of the file system, and a pod comes
 * and goes in that moment.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { compileLauncher } from "../../scripts/build/launcher.mjs";
import { lab } from "../cli/place.ts";
import { type Daemon, startDaemon, until } from "../support/daemon.ts";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { type InstalledPlace, installedPlace } from "./installed.ts";

/** System calls by which install changes names. */
const changes = "rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,rmdir";

describe("An upgrade", function () {
  this.timeout(60_000);
  let machine: InstalledPlace;
  let agent: Daemon | undefined;

  beforeEach(function () {
    needs(this, "ns-net", "ns-net-launcher", "bridge", "strace", "curl");
    machine = installedPlace();
  });
  afterEach(async () => {
    await agent?.end();
    agent = undefined;
    machine?.[Symbol.dispose]();
  });

  /** A pod comes and goes by the plugin that is installed now. */
  function comesAndGoes(when: string): void {
    for (const verb of ["ADD", "DEL"]) {
      const { code, json } = machine.call(verb, "1", lab);
      assert.equal(code, 0, `${verb} ${when}: ${JSON.stringify(json)}`);
    }
  }

  /** Runs `ns-net install` and stops it after each of its changes, for a pod that comes and goes. Answers how many they were. */
  async function inEachWindow(...words: string[]): Promise<number> {
    const trace = join(machine.place.folder, "trace");
    const command = [nsNet, "install", "--bin-dir", machine.binDir, "--no-conf", ...words];
    const strace = ["strace", "-f", "-o", trace, "-e", `trace=${changes}`, `--inject=${changes}:signal=STOP:when=1+`];
    const child = Bun.spawn([...strace, ...command], { stdio: ["ignore", "ignore", "pipe"] });
    // Each thread reports that it is stopped; the first one is the one that called.
    const stops = () => {
      const text = existsSync(trace) ? readFileSync(trace, "utf8") : "";
      const pid = /^\d+/.exec(text)?.[0];
      return {
        pid: Number(pid),
        count: [...text.matchAll(new RegExp(`^${pid} +--- stopped by SIGSTOP`, "gm"))].length,
      };
    };
    for (let seen = 0; ; seen++) {
      await until("the install is stopped or has ended", () => stops().count > seen || child.exitCode !== null);
      if (child.exitCode !== null) {
        assert.equal(child.exitCode, 0, await child.stderr.text());
        comesAndGoes(`after install ${words.join(" ")}`);
        return seen;
      }
      try {
        comesAndGoes(`after change ${seen + 1} of install ${words.join(" ")}`);
      } finally {
        process.kill(stops().pid, "SIGCONT");
      }
    }
  }

  const clear = () => {
    for (const file of readdirSync(machine.binDir)) rmSync(join(machine.binDir, file), { recursive: true });
  };
  const install = (...words: string[]) =>
    machine.place.must("install", "--bin-dir", machine.binDir, "--no-conf", ...words);

  it("from the executable alone to the agent has no moment without a plugin", async () => {
    clear();
    install();
    assert.ok((await inEachWindow("--agent")) >= 3);
  });

  it("of launcher and executable has none, while an agent serves", async () => {
    clear();
    install("--agent");
    agent = await machine.agent();
    assert.ok((await inEachWindow()) >= 3);
    const { calls, failed } = JSON.parse(machine.ask("/status")[1]);
    assert.ok(calls > 0 && failed === 0, `${calls} calls, ${failed} failed`);
  });

  it("back to the executable alone has none", async () => {
    clear();
    install("--agent");
    assert.ok((await inEachWindow("--no-agent")) >= 3);
  });

  const declined = () => JSON.parse(machine.ask("/status")[1]).declined;

  it("leaves an old launcher in front: the agent declines it, and its calls succeed", async () => {
    agent = await machine.agent();
    comesAndGoes("by the same version");
    assert.equal(declined().version, undefined);
    await compileLauncher(process.arch as "x64", "0.0.9", join(machine.binDir, "ns-net"));
    comesAndGoes("by an old launcher");
    assert.equal(declined().version, 2);
  });

  it("leaves an old agent behind: it declines the new launcher, whose calls succeed, until it is restarted", async () => {
    // Run from its sources, the program is of another version than the launcher.
    const words = ["agent", "--socket", machine.socket, "--status-socket", machine.statusSocket];
    const command = [process.execPath, join(import.meta.dirname, "../../main.ts"), ...words];
    const isUp = () => machine.ask("/healthz")[0] === "200";
    agent = await startDaemon(machine.place.host, command, machine.log, isUp);
    comesAndGoes("beside an old agent");
    assert.equal(declined().version, 2);
    const page = machine.place.must("status", "--bin-dir", machine.binDir, "--status-socket", machine.statusSocket);
    assert.match(page, /^The launcher is of version \S+ and the agent of development: .* Restart it/m);
    await agent.end();
    agent = await machine.agent();
    comesAndGoes("beside the new agent");
    const { calls, declined: left } = JSON.parse(machine.ask("/status")[1]);
    assert.deepEqual([calls, left], [2, {}]);
  });
});
