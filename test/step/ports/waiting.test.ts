/**
 * One container on several networks that publish the same port, as with podman and nerdctl. Witnesses: TCP clients from
 * the host, `nft`, a UDP flow that never stops.
 */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../support/daemon.ts";
import { needs } from "../../support/needs.ts";
import { nsNet, startPlugin } from "../../support/plugin.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { withoutHealing } from "../../support/throughAgent.ts";
import { udpFlow, udpServer } from "../../support/udp.ts";
import { freshWorld, ranges, type World } from "../../support/world.ts";
import { elements, mapped, outsideOf, web } from "./publishing.ts";

/** Network n1 on br1 with 10.89.1.0/24, and so on. */
const network = (world: World, number: number, change: object = mapped(web)) =>
  world.network({
    ...{ name: `n${number}`, bridge: `br${number}`, ipam: ranges(`10.89.${number}.0/24`) },
    ...change,
  });

/** The target of the port in the rules, and the attachments that wait for it. */
function seen(world: World, port = 8080) {
  const of = elements(world).filter((line) => new RegExp(`(tcp|udp) \\. ${port} comment .* : `).test(line));
  const waits = (line: string) => /"nsv\w+" \. /.test(line);
  const target = (line: string) => /: (?:::ffff:)?([\d.]+) \. /.exec(line)?.[1];
  return { leads: of.filter((line) => !waits(line)).map(target), waits: of.filter(waits).map(target) };
}

describe("A port that two attachments of a container request", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib");
  });

  it("leads to the first, and when that is deleted to the second, in one change of the rules", async () => {
    using world = freshWorld();
    outsideOf(world);
    const netns = world.netns();
    const results = [1, 2].map((number) =>
      world.must("ADD", network(world, number), { netns, ifname: `eth${number - 1}` }),
    );
    using _second = await tcpServer(netns, "10.89.2.2", 80);
    assert.deepEqual(seen(world), { leads: ["10.89.1.2"], waits: ["10.89.2.2"] });
    assert.ok("failed" in (await tcpReach(world.host, "192.0.2.2", 8080)), "the first has it");
    for (const [i, prevResult] of results.entries())
      world.must("CHECK", { ...network(world, i + 1), prevResult }, { netns, ifname: `eth${i}` });
    const monitor = Bun.spawn(world.host.inside(["nft", "monitor"]), { stdout: "pipe" });
    using _monitor = { [Symbol.dispose]: () => monitor.kill() };
    let told = "";
    void (async () => {
      for await (const bytes of monitor.stdout) told += Buffer.from(bytes).toString();
    })();
    let tables = 0;
    await until("nft monitors", () => {
      world.host.nft(`add table inet begun${tables++}`);
      return told.includes("begun");
    });
    world.must("DEL", network(world, 1), { netns, ifname: "eth0" });
    assert.deepEqual(seen(world), { leads: ["10.89.2.2"], waits: [] });
    await until("the change is reported", () => /add element inet ns_net ports4 .*\n# new generation/.test(told));
    const changes = told.split(/# new generation.*\n/);
    const change = changes.find((one) => one.includes("delete element inet ns_net ports4 "));
    assert.match(change ?? told, /add element inet ns_net ports4 .*: 10\.89\.2\.2 \. 80/);
    assert.deepEqual(await tcpReach(world.host, "192.0.2.2", 8080), { seenAs: "10.89.2.1" });
    world.must("CHECK", { ...network(world, 2), prevResult: results[1] }, { netns, ifname: "eth1" });
    world.must("DEL", network(world, 2), { netns, ifname: "eth1" });
    assert.deepEqual(elements(world), []);
  });

  it("leads to the next of three by its interface, and a waiting one is removed without a trace", () => {
    using world = freshWorld();
    const netns = world.netns();
    for (const [number, ifname] of [
      [1, "eth0"],
      [2, "eth10"],
      [3, "eth9"],
      [4, "eth1"],
    ] as const)
      world.must("ADD", network(world, number), { netns, ifname });
    world.must("DEL", network(world, 4), { netns: "", ifname: "eth1" });
    assert.deepEqual(seen(world).leads, ["10.89.1.2"]);
    world.must("DEL", network(world, 1), { netns: "", ifname: "eth0" });
    assert.deepEqual(seen(world), { leads: ["10.89.3.2"], waits: ["10.89.2.2"] });
    world.must("DEL", network(world, 3), { netns: "", ifname: "eth9" });
    assert.deepEqual(seen(world), { leads: ["10.89.2.2"], waits: [] });
    world.must("DEL", network(world, 2), { netns: "", ifname: "eth10" });
    assert.deepEqual(elements(world), []);
  });

  it("leads to one of them if both are added at once, and to the other when that is deleted", async () => {
    using world = freshWorld();
    for (let round = 0; round < 5; round++) {
      const netns = world.netns();
      const add = (number: number) =>
        startPlugin({
          ...{ command: "ADD", host: world.host, config: network(world, number), netns },
          ...{ container: `c${round}`, ifname: `eth${number}` },
        } as const).answer;
      const answers = await Promise.all([add(1), add(2)]);
      assert.deepEqual(
        answers.map(({ code, stdout }) => (code === 0 ? 0 : stdout)),
        [0, 0],
      );
      const { leads, waits } = seen(world);
      assert.equal(leads.length, 1);
      assert.equal(waits.length, 1);
      const holder = leads[0]!.startsWith("10.89.1.") ? 1 : 2;
      const del = (number: number) =>
        world.must("DEL", network(world, number), { netns, container: `c${round}`, ifname: `eth${number}` });
      del(holder);
      assert.deepEqual(seen(world), { leads: waits, waits: [] });
      del(3 - holder);
      assert.deepEqual(elements(world), []);
    }
  });

  it("is not lost when one is added while the other is deleted", async () => {
    using world = freshWorld();
    for (let round = 0; round < 8; round++) {
      const netns = world.netns();
      const container = `c${round}`;
      const call = (command: "ADD" | "DEL", number: number) =>
        startPlugin({
          ...{ command, host: world.host, config: network(world, number), netns, container, ifname: `eth${number}` },
        }).answer;
      assert.equal((await call("ADD", 1)).code, 0);
      const adding = call("ADD", 2);
      await Bun.sleep(round * 3);
      assert.deepEqual([(await call("DEL", 1)).code, (await adding).code], [0, 0]);
      assert.equal(seen(world).leads.length, 1, JSON.stringify(elements(world)));
      assert.match(seen(world).leads[0]!, /^10\.89\.2\./);
      assert.equal((await call("DEL", 2)).code, 0);
      assert.deepEqual(elements(world), []);
    }
  });

  it("is refused to another container, whichever of them has it, and without the store", () => {
    using world = freshWorld();
    const [netns, other] = [world.netns(), world.netns()];
    world.must("ADD", network(world, 1), { netns, ifname: "eth0" });
    world.must("ADD", network(world, 2), { netns, ifname: "eth1" });
    const refused = () => {
      const answer = world.call("ADD", network(world, 2), { netns: other, container: "c2" });
      assert.equal(answer.json?.code, 11, answer.stdout);
      assert.match(answer.json.msg, /Cannot publish port 8080\/tcp.*c1/);
    };
    refused();
    world.must("DEL", network(world, 1), { netns, ifname: "eth0" });
    refused();
    world.host.run("rm", "-r", world.dataDir);
    refused();
    world.must("DEL", network(world, 2), { netns, ifname: "eth1" });
    world.must("ADD", network(world, 2), { netns: other, container: "c2" });
  });

  it("passes to the second without the store, whether it is rebuilt or not", () => {
    for (const isMadeAgain of [false, true]) {
      using world = freshWorld();
      const netns = world.netns();
      world.must("ADD", network(world, 1), { netns, ifname: "eth0" });
      world.must("ADD", network(world, 2), { netns, ifname: "eth1" });
      world.host.run("rm", "-r", world.dataDir);
      if (isMadeAgain) world.host.run(nsNet, "repair", "--data-dir", world.dataDir);
      world.must("DEL", network(world, 1), { netns: "", ifname: "eth0" });
      assert.deepEqual(seen(world), { leads: ["10.89.2.2"], waits: [] });
      world.must("DEL", network(world, 2), { netns: "", ifname: "eth1" });
      assert.deepEqual(elements(world), []);
    }
  });

  it("passes to the second by GC of the first's network", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", network(world, 1), { netns, ifname: "eth0" });
    world.must("ADD", network(world, 2), { netns, ifname: "eth1" });
    world.must("GC", { ...network(world, 1), "cni.dev/valid-attachments": [] });
    assert.deepEqual(seen(world), { leads: ["10.89.2.2"], waits: [] });
    world.must("GC", { ...network(world, 2), "cni.dev/valid-attachments": [] });
    assert.deepEqual(elements(world), []);
  });

  it("is repaired by repair after the rules were flushed: one has it, the other waits", function () {
    withoutHealing(this);
    using world = freshWorld();
    const netns = world.netns();
    const results = [1, 2].map((number) =>
      world.must("ADD", network(world, number), { netns, ifname: `eth${number}` }),
    );
    world.host.nft("flush map inet ns_net ports-waiting");
    const check = (number: number) =>
      world.call(
        "CHECK",
        { ...network(world, number), prevResult: results[number - 1] },
        { netns, ifname: `eth${number}` },
      );
    assert.match(check(2).json.msg, /port 8080\/tcp of the host/);
    assert.equal(check(1).code, 0);
    world.host.nft("flush ruleset");
    world.host.run(nsNet, "repair", "--data-dir", world.dataDir);
    assert.deepEqual(seen(world), { leads: ["10.89.1.2"], waits: ["10.89.2.2"] });
    assert.deepEqual([check(1).stdout, check(2).stdout], ["", ""]);
  });

  it("passes from portmap to portmap after two bridges", () => {
    using world = freshWorld();
    const folder = join(world.dataDir, "..");
    for (const name of ["bridge", "portmap"]) symlinkSync(nsNet, join(folder, name));
    const netns = world.netns();
    const call = (verb: "ADD" | "DEL" | "CHECK", number: number, type: string, more: object = {}) => {
      const config = network(world, number, { type, ...(type === "portmap" && mapped(web)), ...more });
      return world.must(verb, config, { netns, ifname: `eth${number}`, plugin: join(folder, type) });
    };
    for (const number of [1, 2]) {
      const prevResult = call("ADD", number, "bridge");
      call("ADD", number, "portmap", { prevResult });
      call("CHECK", number, "portmap", { prevResult });
    }
    assert.deepEqual(seen(world), { leads: ["10.89.1.2"], waits: ["10.89.2.2"] });
    call("DEL", 1, "portmap");
    call("DEL", 1, "bridge");
    assert.deepEqual(seen(world), { leads: ["10.89.2.2"], waits: [] });
    call("DEL", 2, "portmap");
    assert.deepEqual(elements(world), []);
  });

  it("switches a UDP flow that never stops from one to the other", async function () {
    needs(this, "conntrack");
    using world = freshWorld();
    const outside = outsideOf(world);
    outside.ip("route", "add", "default", "via", "192.0.2.2");
    const netns = world.netns();
    const dns = mapped({ hostPort: 5353, containerPort: 53, protocol: "udp" });
    world.must("ADD", network(world, 1, { ...dns, ipMasq: true }), { netns, ifname: "eth0" });
    using _server = await udpServer(netns, 53, "heard");
    using flow = udpFlow(outside, "192.0.2.2", 5353);
    assert.equal(await flow.heard(), "heard");
    const tracked = () => /src=(10\.89\.\d)\.2 .*sport=53 /.exec(world.host.run("conntrack", "-L", "-p", "udp"))?.[1];
    const second = network(world, 2, { ...dns, isDefaultGateway: false, isGateway: true });
    world.must("ADD", second, { netns, ifname: "eth1" });
    assert.equal(await flow.heard(), "heard");
    assert.equal(tracked(), "10.89.1", "a flow that leads to the holder is left alone");
    // The server has a route at every moment: without one it would end.
    netns.ip("route", "add", "192.0.2.0/24", "via", "10.89.2.1");
    world.must("DEL", network(world, 1), { netns, ifname: "eth0" });
    assert.equal(await flow.heard(), "heard");
    assert.equal(tracked(), "10.89.2");
  });

  it("of a row is shared port by port, by address and family", () => {
    using world = freshWorld();
    const netns = world.netns();
    const row = (hostPort: number) => ({ hostPort, containerPort: hostPort, range: 4, protocol: "udp" });
    world.must("ADD", network(world, 1, mapped(row(7000))), { netns, ifname: "eth0" });
    world.must("ADD", network(world, 2, mapped(row(7002), { ...row(7000), hostIP: "127.0.0.1" })), {
      netns,
      ifname: "eth1",
    });
    const leads = () => [7000, 7001, 7002, 7003, 7004, 7005].map((port) => seen(world, port).leads.sort().join());
    assert.deepEqual(leads(), [
      "10.89.1.2,10.89.2.2",
      "10.89.1.2,10.89.2.2",
      "10.89.1.2,10.89.2.2",
      "10.89.1.2,10.89.2.2",
      "10.89.2.2",
      "10.89.2.2",
    ]);
    assert.deepEqual([seen(world, 7002).waits, seen(world, 7004).waits], [["10.89.2.2"], []]);
    world.must("DEL", network(world, 1), { netns, ifname: "eth0" });
    assert.deepEqual(leads(), [
      "10.89.2.2",
      "10.89.2.2",
      "10.89.2.2,10.89.2.2",
      "10.89.2.2,10.89.2.2",
      "10.89.2.2",
      "10.89.2.2",
    ]);
    world.must("DEL", network(world, 2), { netns, ifname: "eth1" });
    assert.deepEqual(elements(world), []);
  });
});
