/** Sockets, agents and stores that are not as they must be. Calls succeed by the executable, or fail as they would there. */

import { Database } from "bun:sqlite";
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { lab } from "../cli/place.ts";
import { type Daemon, startDaemon } from "../support/daemon.ts";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { links, run } from "../support/sandbox.ts";
import { ourLinks } from "../support/world.ts";
import { type InstalledPlace, installedPlace } from "./installed.ts";

const acceptMs = 250;
const slackMs = 500;

describe("Bad input to an agent and its launcher", function () {
  this.timeout(60_000);
  let machine: InstalledPlace;
  let agent: Daemon | undefined;

  beforeEach(function () {
    needs(this, "ns-net", "ns-net-launcher", "bridge", "curl");
    machine = installedPlace();
  });
  afterEach(async () => {
    await agent?.end();
    agent = undefined;
    machine?.[Symbol.dispose]();
  });

  const host = () => machine.place.host;
  const report = () => JSON.parse(machine.ask("/status")[1]);

  /** An ADD and a DEL, with `ip` as the witness. Answers the milliseconds of the ADD. */
  function comesAndGoes(container = "1"): number {
    const startMs = performance.now();
    const { code, json } = machine.call("ADD", container, lab);
    const ms = performance.now() - startMs;
    assert.equal(code, 0, JSON.stringify(json));
    const had = links(machine.pod)
      .get(`eth${container}`)
      .addr_info.map(({ local }: { local: string }) => local);
    for (const { address } of json.ips) assert.ok(had.includes(address.split("/")[0]), `${address} in ${had}`);
    assert.equal(machine.call("DEL", container, lab).code, 0);
    assert.deepEqual(ourLinks(host()), []);
    return ms;
  }

  const refusedAgent = (words: readonly string[], before: readonly string[] = []) => {
    const sockets = ["--socket", machine.socket, "--status-socket", machine.statusSocket];
    const command = host().inside([...before, nsNet, "agent", ...sockets, ...words]);
    const { exitCode, stderr } = Bun.spawnSync(command, { stdin: null, timeout: 10_000 });
    assert.equal(exitCode, 1, stderr.toString());
    return stderr.toString();
  };

  it("a socket that is a file: the executable serves, and an agent says what is there", () => {
    mkdirSync(dirname(machine.socket), { recursive: true });
    writeFileSync(machine.socket, "a letter");
    comesAndGoes();
    assert.match(refusedAgent([]), /a file that is no socket is there(.*\n)+.*ls -l/);
    assert.equal(readFileSync(machine.socket, "utf8"), "a letter");
  });

  it("a socket of another user: the executable serves, and an agent does not replace it", async () => {
    mkdirSync(dirname(machine.socket), { recursive: true });
    run(["chmod", "755", machine.place.folder]);
    run(["chown", "65534", dirname(machine.socket)]);
    const asOther = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const script = `Bun.listen({ unix: ${JSON.stringify(machine.socket)}, socket: { data(s) { s.write("A"); } } })`;
    const command = [...asOther, process.execPath, "-e", script];
    const other = await startDaemon(host(), command, machine.log, () => existsSync(machine.socket));
    try {
      comesAndGoes();
      assert.match(refusedAgent([]), /a socket of user 65534 is there/);
    } finally {
      await other.end("SIGKILL");
    }
  });

  it("a socket that accepts and never answers: the executable serves after 250 ms", () => {
    const best = () => Math.min(...[1, 2, 3].map(() => comesAndGoes())); // the machine has other work
    const without = best();
    mkdirSync(dirname(machine.socket), { recursive: true });
    const server = Bun.listen({ unix: machine.socket, socket: { data() {} } });
    try {
      const ms = best();
      assert.ok(ms >= acceptMs && ms < without + acceptMs + slackMs, `${ms} ms, and ${without} ms without a socket`);
    } finally {
      server.stop(true);
    }
  });

  it("two agents: the second one names the first one's process", async () => {
    agent = await machine.agent();
    assert.match(refusedAgent([]), new RegExp(`Another agent serves ${machine.socket}: process ${agent.pid}\\n`));
    comesAndGoes();
    assert.equal(report().calls, 2);
  });

  it("an agent without the rights of root: it says which, and the executable serves", () => {
    const dropped = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-all"];
    assert.match(refusedAgent([], dropped), /CAP_NET_ADMIN/);
    comesAndGoes();
  });

  it("a full disk: the agent answers what the executable does, and serves once there is room", async () => {
    const { dataDir } = machine.place;
    mkdirSync(dataDir, { mode: 0o700 });
    run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", dataDir]);
    try {
      agent = await machine.agent();
      comesAndGoes();
      const filler = join(dataDir, "filler");
      const { bavail, bsize } = statfsSync(dataDir);
      writeFileSync(filler, Buffer.alloc(bavail * bsize));
      let answer = machine.call("ADD", "2", lab);
      for (let i = 3; answer.code === 0 && i < 100; i++) answer = machine.call("ADD", String(i), lab); // the log has room
      assert.match(answer.json.msg, /the disk is full/);
      rmSync(filler);
      for (let i = 2; i < 100; i++) machine.call("DEL", String(i), lab);
      comesAndGoes();
      assert.equal(report().declined.error, undefined);
    } finally {
      await agent?.end();
      agent = undefined;
      run(["umount", dataDir]);
    }
  });

  it("a store of another version: the answer is the executable's, and DEL removes the link", async () => {
    assert.equal(machine.call("ADD", "1", lab).code, 0);
    using database = new Database(join(machine.place.dataDir, "ns-net.sqlite"), { readwrite: true });
    database.run("PRAGMA user_version = 99");
    const byExecutable = machine.call("ADD", "2", lab);
    assert.equal(byExecutable.code, 1);
    agent = await machine.agent();
    assert.deepEqual(machine.call("ADD", "2", lab), byExecutable);
    machine.call("DEL", "1", lab);
    assert.deepEqual(ourLinks(host()), []);
    assert.equal(machine.ask("/readyz")[0], "503");
  });
});
