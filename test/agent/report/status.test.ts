/** The agent reports on itself: `ns-net status`, metrics, health and its log. The witness is curl. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { lab } from "../../cli/place.ts";
import { type Daemon, until } from "../../support/daemon.ts";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { run } from "../../support/sandbox.ts";
import { type InstalledPlace, installedPlace } from "../installed.ts";

const network = { ...lab, ipam: { type: "ns-net", ranges: [[{ subnet: "10.20.0.0/29" }]] } };

describe("An agent's status", function () {
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

  const status = (...words: string[]) =>
    machine.place.must(
      ...[
        "status",
        "--data-dir",
        machine.place.dataDir,
        "--bin-dir",
        machine.binDir,
        "--status-socket",
        machine.statusSocket,
      ],
      ...words,
    );
  const metrics = () =>
    machine
      .ask("/metrics")[1]
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));

  /** The log's first `count` lines. The agent writes them after its answer, so they may come a little later. */
  async function logged(count: number) {
    const lines = () => readFileSync(machine.log, "utf8").split("\n").slice(0, -1);
    await until(`the log has ${count} lines`, () => lines().length >= count);
    return lines().map((line) => JSON.parse(line));
  }

  it("counts calls, pools and attachments, and remembers what failed", async () => {
    agent = await machine.agent();
    for (const container of ["1", "2"]) assert.equal(machine.call("ADD", container, network).code, 0);
    assert.equal(machine.call("DEL", "2", network).code, 0);
    assert.equal(machine.call("ADD", "3", { ...network, mtu: "big" }).json.code, 7);
    const now = JSON.parse(status("--json"));
    assert.equal(`ns-net ${now.agent.version}`, run([nsNet, "--version"]).trim());
    assert.equal(now.agent.pid, agent.pid);
    assert.deepEqual([now.agent.calls, now.agent.failed], [4, 1]);
    // A /29 has 6 host addresses, and the gateway has one of them.
    assert.deepEqual(now.pools, [{ network: "lab", range: "10.20.0.0/29", used: 1, free: 4 }]);
    assert.deepEqual(now.attachments, [{ network: "lab", state: "attached", count: 1 }]);
    assert.match(now.agent.errors[0].text, /^ADD of 3 eth3 failed: Cannot use mtu = "big"$/);
    const page = status();
    assert.match(page, /^agent +running, version \S+, process \d+, since 20/m);
    assert.match(page, /^lab +10\.20\.0\.0\/29 +1 +4$/m);
    assert.match(page, /Last errors.*\n {2}20\S+Z {2}ADD of 3 eth3 failed: Cannot use mtu/);
  });

  it("serves the same as metrics, which the kernel and the store confirm", async () => {
    agent = await machine.agent();
    for (const container of ["1", "2"]) assert.equal(machine.call("ADD", container, network).code, 0);
    assert.equal(machine.call("ADD", "3", { ...network, mtu: "big" }).code, 1);
    const lines = metrics();
    for (const line of [
      'ns_net_calls_total{verb="ADD",type="ns-net",result="ok"} 2',
      'ns_net_calls_total{verb="ADD",type="ns-net",result="error"} 1',
      'ns_net_call_errors_total{verb="ADD",code="7"} 1',
      'ns_net_call_duration_seconds_count{verb="ADD"} 3',
      'ns_net_pool_used_addresses{network="lab",range="10.20.0.0/29"} 2',
      'ns_net_pool_free_addresses{network="lab",range="10.20.0.0/29"} 3',
      'ns_net_attachments{network="lab",state="attached"} 2',
    ])
      assert.ok(lines.includes(line), `${line} in\n${lines.join("\n")}`);
    const memory = Number(lines.find((line) => line.startsWith("ns_net_memory_bytes"))!.split(" ")[1]);
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${agent.pid}/status`, "utf8"))![1];
    assert.ok(Math.abs(memory / 1024 / Number(resident) - 1) < 0.2, `${memory} bytes, the kernel says ${resident} kB`);
    assert.ok(lines.some((line) => /^ns_net_event_loop_delay_seconds \d+(\.\d+)?$/.test(line)));
  });

  it("counts calls that it declines, by reason", async () => {
    agent = await machine.agent();
    // Another mount namespace: the launcher falls back, and the call succeeds.
    const config = JSON.stringify({ ...network, dataDir: machine.place.dataDir });
    const netns = machine.place.name("other");
    run(["ip", "netns", "add", netns]);
    const script = `echo '${config}' | unshare --mount ${join(machine.binDir, "ns-net")}`;
    const env = { CNI_COMMAND: "ADD", CNI_CONTAINERID: "c", CNI_NETNS: `/run/netns/${netns}`, CNI_IFNAME: "eth0" };
    const words = Object.entries({ ...env, CNI_PATH: machine.binDir, NSNET_AGENT: machine.socket }).map((pair) =>
      pair.join("="),
    );
    machine.place.host.run("env", ...words, "sh", "-c", script);
    const now = JSON.parse(status("--json"));
    assert.deepEqual([now.agent.calls, Object.values(now.agent.declined)], [0, [1]]);
    assert.ok(metrics().some((line) => /^ns_net_declined_total\{reason="\w+"\} 1$/.test(line)));
    assert.deepEqual(now.attachments, [{ network: "lab", state: "attached", count: 1 }]);
  });

  it("says whether it can serve, also over TCP, where it says nothing of pods", async () => {
    agent = await machine.agent("--metrics", "127.0.0.1:0");
    const [{ port }] = await logged(1);
    machine.place.host.ip("link", "set", "lo", "up");
    const tcp = [`http://127.0.0.1:${port}`];
    for (const from of [undefined, tcp]) {
      assert.deepEqual(machine.ask("/healthz", from), ["200", "ok"]);
      assert.deepEqual(machine.ask("/readyz", from), ["200", "ready"]);
    }
    assert.equal(machine.ask("/metrics", tcp)[0], "200");
    assert.equal(machine.ask("/status", tcp)[0], "404");
    rmSync(machine.socket);
    assert.deepEqual(machine.ask("/readyz", tcp), [
      "503",
      `launchers do not reach the agent: ${machine.socket} is not its socket`,
    ]);
    assert.equal(machine.ask("/healthz", tcp)[0], "200");
  });

  it("is for root alone", async () => {
    agent = await machine.agent();
    assert.equal(statSync(machine.statusSocket).mode & 0o777, 0o600);
    assert.equal(statSync(dirname(machine.statusSocket)).mode & 0o777, 0o700);
  });

  it("is a page without an agent, too, and after it ended", async () => {
    assert.match(status(), /^agent +not running.*\n(.*\n)*Nothing is attached\.$/m);
    agent = await machine.agent();
    assert.equal(machine.call("ADD", "1", network).code, 0);
    await agent.end();
    agent = undefined;
    const now = JSON.parse(status("--json"));
    assert.equal(now.agent, undefined);
    assert.deepEqual(now.pools, [{ network: "lab", range: "10.20.0.0/29", used: 1, free: 4 }]);
    assert.equal(machine.call("DEL", "1", network).code, 0);
  });

  it("names an attachment whose namespace is gone", () => {
    const web = machine.place.name();
    machine.place.must("add", web, "--network", machine.place.file("lab.json", JSON.stringify(network)));
    run(["ip", "netns", "del", web]);
    machine.place.name(); // the deletion of the link follows in the background, and status waits for it
    assert.deepEqual(JSON.parse(status("--json")).attachments, [{ network: "lab", state: "gone", count: 1 }]);
  });

  it("says why the store cannot be read, and everything else", async () => {
    agent = await machine.agent();
    assert.equal(machine.call("ADD", "1", network).code, 0);
    for (const name of readdirSync(machine.place.dataDir))
      rmSync(join(machine.place.dataDir, name), { recursive: true });
    writeFileSync(join(machine.place.dataDir, "ns-net.sqlite"), "a letter, and no store. ".repeat(400), {
      mode: 0o600,
    });
    const lines = metrics();
    assert.ok(lines.includes("ns_net_store_readable 0"), lines.join("\n"));
    assert.ok(lines.includes('ns_net_calls_total{verb="ADD",type="ns-net",result="ok"} 1'));
    const [code, reason] = machine.ask("/readyz");
    assert.equal(code, "503");
    assert.match(reason, /ns-net\.sqlite/);
    assert.match(status(), /^agent +running(.*\n)*The store: .*ns-net\.sqlite/m);
  });

  it("is in its log, a line of JSON for each event", async () => {
    agent = await machine.agent();
    machine.call("ADD", "1", network);
    machine.call("ADD", "2", { ...network, mtu: "big" });
    const lines = await logged(3);
    assert.deepEqual(
      lines.map(({ level, what }) => [level, what]),
      [
        ["info", "started"],
        ["info", "call"],
        ["warn", "call"],
      ],
    );
    const [, first, second] = lines;
    assert.deepEqual([first.verb, first.container, first.exitCode, typeof first.ms], ["ADD", "1", 0, "number"]);
    assert.deepEqual([second.code, second.error], [7, 'Cannot use mtu = "big"']);
    for (const { time } of lines) assert.ok(Math.abs(Date.now() - Date.parse(time)) < 60_000, time);
  });

  it("names the address that it cannot have", async () => {
    machine.place.host.ip("link", "set", "lo", "up");
    agent = await machine.agent("--metrics", "127.0.0.1:9464");
    const other = ["--socket", `${machine.socket}.2`, "--status-socket", `${machine.statusSocket}.2`];
    for (const [address, why] of [
      ["127.0.0.1:9464", "another program listens there"],
      ["192.0.2.1:9464", ""],
    ]) {
      const { code, err } = machine.place.cli("agent", ...other, "--metrics", address!);
      assert.equal(code, 1);
      assert.match(err, new RegExp(`Cannot listen on ${address}: ${why}.*\\n {2}Give another --metrics`));
    }
    assert.equal(machine.ask("/healthz")[0], "200", "the first one goes on");
    for (const path of [machine.socket, machine.statusSocket]) assert.equal(existsSync(`${path}.2`), false);
  });

  it("removes what an agent left that died while it warmed up", async () => {
    const left = `${machine.socket}.warm-up`;
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, "ns-net.sqlite"), "no store");
    agent = await machine.agent();
    assert.ok(!existsSync(left));
    assert.doesNotMatch(readFileSync(machine.log, "utf8"), /cannot warm up/);
  });

  it("is refused to other users than root", () => {
    const words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", nsNet, "agent"];
    const { exitCode, stderr } = Bun.spawnSync(words, { stdin: null });
    assert.equal(exitCode, 1);
    assert.match(stderr.toString(), /^ns-net agent needs root: sudo ns-net agent$/m);
  });

  it("refuses an address that is none", () => {
    const { code, err } = machine.place.cli("agent", "--metrics", "localhost");
    assert.equal(code, 2);
    assert.match(err, /--metrics = "localhost": give an address and a port/);
  });
});
