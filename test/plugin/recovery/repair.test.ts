/**
 * Repair: rebuilds a lost or damaged store from existing links, and restores what other programs removed. Through the
 * command line.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { elements, mapped, web } from "../../step/ports/publishing.ts";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { links, run } from "../../support/sandbox.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { withoutHealing } from "../../support/throughAgent.ts";
import { dualStack, freshWorld, ourLinks, ranges, type World } from "../../support/world.ts";

function repair(world: World, ...options: string[]): string {
  return run(world.host.inside([nsNet, "repair", "--data-dir", world.dataDir, ...options]));
}

const storePath = (world: World) => join(world.dataDir, "ns-net.sqlite");
const brokenOnes = (world: World) => readdirSync(world.dataDir).filter((name) => name.includes(".broken-"));

function checked(
  world: World,
  config: object,
  container: string,
  netns: ReturnType<World["netns"]>,
  prevResult: object,
) {
  world.must("CHECK", { ...config, prevResult }, { netns, container });
}

describe("repair of the store", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat");
  });

  let log: Uint8Array = new Uint8Array(0);
  const damages: Record<string, (path: string) => void> = {
    "that holds something else": (path) =>
      writeFileSync(path, "not a database, but a letter to a friend\n".repeat(100)),
    "that is empty": (path) => truncateSync(path, 0),
    "that was deleted": (path) => rmSync(path),
    "that was deleted without its log": (path) => {
      rmSync(path);
      writeFileSync(`${path}-wal`, log);
    },
  };

  for (const [how, damage] of Object.entries(damages)) {
    it(`${how}: every attachment is in the store again, and CHECK succeeds`, () => {
      using world = freshWorld();
      const config = world.network({ ipMasq: true, ipam: dualStack });
      const pods = ["a", "b"].map((container) => {
        const netns = world.netns();
        return { container, netns, result: world.must("ADD", config, { netns, container }) };
      });
      log = readFileSync(`${storePath(world)}-wal`);
      const before = world.leases().sort();
      for (const suffix of ["-wal", "-shm"]) rmSync(storePath(world) + suffix, { force: true });
      damage(storePath(world));
      assert.match(repair(world), /rebuilt 2 entries from the kernel/);
      assert.deepEqual(world.leases().sort(), before);
      assert.equal(brokenOnes(world).length > 0, !how.startsWith("that was deleted"));
      for (const { container, netns, result } of pods) checked(world, config, container, netns, result);
      const { ips } = world.must("ADD", config, { netns: world.netns(), container: "c" });
      for (const { address } of ips) assert.ok(!before.join(" ").includes(address), `${address} was given twice`);
      for (const container of ["a", "b", "c"]) world.must("DEL", config, { container });
      assert.deepEqual([ourLinks(world.host), world.rows()], [[], []]);
    });
  }

  it("of one with ports and limits: no other container gets the ports, and DEL removes everything", () => {
    using world = freshWorld();
    const bandwidth = { ingressRate: 8e7, ingressBurst: 8e6, egressRate: 8e7, egressBurst: 8e6 };
    const { runtimeConfig } = mapped(web);
    const config = world.network({ ipam: dualStack, masqAll: true, runtimeConfig: { ...runtimeConfig, bandwidth } });
    world.must("ADD", config, { netns: world.netns() });
    rmSync(storePath(world));
    repair(world);
    const { json } = world.call("ADD", world.network(mapped(web)), { netns: world.netns(), container: "c2" });
    assert.match(json.msg, /Cannot publish port 8080\/tcp .*: it is published for nsv\w+ \w+ eth0 c1/);
    world.must("DEL", config);
    assert.deepEqual([...elements(world), ...ourLinks(world.host), ...world.leases()], []);
    assert.deepEqual(world.host.ip("link", "show", "type", "ifb"), []);
  });

  it("inserts an attachment whose row was deleted", () => {
    using world = freshWorld();
    for (const container of ["a", "b"]) world.must("ADD", world.network(), { netns: world.netns(), container });
    const before = world.leases().sort();
    run(["sqlite3", storePath(world), "DELETE FROM attachment WHERE container = 'a'"]);
    assert.match(repair(world), /rebuilt 1 entry from the kernel/);
    assert.deepEqual(world.leases().sort(), before);
  });

  it("inserts a renamed link, one without a bridge, and an interface that is down on purpose", () => {
    using world = freshWorld();
    const ptp = join(world.dataDir, "../ptp");
    symlinkSync(nsNet, ptp);
    const pointed = { ...world.network({ name: "p", type: "ptp", ipam: ranges("10.8.0.0/24") }) };
    const down = world.network({ name: "d", bridge: "br1", ipam: {}, disableContainerInterface: true });
    const [a, b, c] = [world.netns(), world.netns(), world.netns()];
    world.must("ADD", world.network(), { netns: a, container: "a" });
    const [link] = ourLinks(world.host);
    world.host.ip("link", "set", link!, "down");
    world.host.ip("link", "set", link!, "name", "mine0", "up");
    const prevResult = world.must("ADD", pointed, { netns: b, container: "b", plugin: ptp });
    world.must("ADD", { ...down, isDefaultGateway: false }, { netns: c, container: "c" });
    rmSync(storePath(world));
    repair(world);
    assert.equal(repair(world), "Nothing to repair.\n");
    world.must("CHECK", { ...pointed, prevResult }, { netns: b, container: "b", plugin: ptp });
    assert.doesNotMatch(c.ip("link", "show", "eth0")[0].flags.join(), /UP/);
    const { json } = world.call("ADD", world.network(), { netns: world.netns(), container: "a" });
    assert.match(json.msg, /attached already/);
    world.must("DEL", world.network(), { container: "a" });
    assert.deepEqual([...links(a).keys()], ["lo"]);
  });

  it("inserts no attachment of another store, except those of the requested network", () => {
    using world = freshWorld();
    const [other, third] = ["other", "third"].map((name) => join(world.dataDir, "..", name));
    const lab = world.network({ name: "lab", bridge: "lab0", ipam: ranges("10.8.0.0/24"), dataDir: other });
    world.must("ADD", world.network(), { netns: world.netns(), container: "a" });
    world.must("ADD", lab, { netns: world.netns(), container: "b" });
    const containers = (dataDir: string) => {
      const sql = "SELECT group_concat(container, ' ') FROM (SELECT container FROM attachment ORDER BY container)";
      return run(["sqlite3", join(dataDir, "ns-net.sqlite"), sql]).trim();
    };
    assert.deepEqual([containers(world.dataDir), containers(other!)], ["a", "b"]);
    assert.equal(repair(world), "Nothing to repair.\n");
    rmSync(storePath(world));
    repair(world);
    assert.equal(containers(world.dataDir), "a");
    // For a network whose folder was changed: its addresses are in use all the same.
    const { ips } = world.must("ADD", { ...lab, dataDir: third }, { netns: world.netns(), container: "c" });
    assert.equal(ips[0].address, "10.8.0.3/24");
    assert.equal(containers(third!), "b c");
  });

  it("is the cure in the error of a damaged store, and DEL removes the link all the same", () => {
    using world = freshWorld();
    world.must("ADD", world.network(), { netns: world.netns() });
    for (const suffix of ["-wal", "-shm"]) rmSync(storePath(world) + suffix, { force: true });
    writeFileSync(storePath(world), "garbage".repeat(1000));
    const { json } = world.call("DEL", world.network());
    assert.equal(json.code, 5);
    assert.match(json.details, /ns-net repair/);
    assert.deepEqual(ourLinks(world.host), []);
  });
});

describe("repair of the kernel's side", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat");
  });

  it("restores all rules after `nft flush ruleset`, of every network", function () {
    withoutHealing(this);
    using world = freshWorld();
    const one = world.network({ ipMasq: true, ipam: dualStack });
    const other = world.network({
      name: "other",
      ipMasq: true,
      bridge: "br1",
      ipam: { type: "ns-net", subnet: "10.8.0.0/24" },
    });
    const netns = world.netns();
    const portMappings = [
      { hostPort: 8080, containerPort: 80, protocol: "tcp" },
      { hostPort: 5353, containerPort: 53, protocol: "udp" },
    ];
    const result = world.must("ADD", { ...one, runtimeConfig: { portMappings } }, { netns });
    world.must("ADD", other, { netns: world.netns(), container: "c2" });
    const rules = world.host.nft("list", "ruleset");
    world.host.nft("flush", "ruleset");
    assert.equal(world.call("CHECK", { ...one, prevResult: result }, { netns }).json.code, 101);
    assert.match(repair(world, "--dry-run"), /would repair/);
    assert.equal(world.host.nft("list", "ruleset"), "");
    assert.match(repair(world), /repaired eth0 of container c1/);
    const lines = (text: string) => text.split("\n").sort();
    assert.deepEqual(lines(world.host.nft("list", "ruleset")), lines(rules));
    checked(world, one, "c1", netns, result);
    assert.equal(repair(world), "Nothing to repair.\n");
  });

  it("restores a deleted bridge, its address, its ports and their settings", async () => {
    using world = freshWorld();
    const config = world.network({ ipam: dualStack });
    const [a, b] = [world.netns(), world.netns()];
    const result = world.must("ADD", config, { netns: a, container: "a" });
    world.must("ADD", config, { netns: b, container: "b" });
    world.host.ip("link", "del", "br0");
    repair(world);
    checked(world, config, "a", a, result);
    using server = await tcpServer(a);
    assert.ok("seenAs" in (await tcpReach(b, result.ips[0].address.replace(/\/.*/, ""), server.port)));
  });

  it("restores what was changed at either end of the pair", () => {
    using world = freshWorld();
    const netns = world.netns();
    const prevResult = world.must("ADD", world.network(), { netns });
    netns.ip("link", "set", "eth0", "mtu", "1300", "address", "02:00:00:00:00:01");
    world.host.ip("link", "set", ourLinks(world.host)[0]!, "mtu", "1300");
    assert.match(repair(world), /^repaired eth0/);
    checked(world, world.network(), "c1", netns, prevResult);
  });

  it("restores the container's routes after `ip route flush`, the gateway's subnet first", async () => {
    using world = freshWorld();
    const netns = world.netns();
    const prevResult = world.must("ADD", world.network({ ipam: dualStack }), { netns });
    const routes = () =>
      ["-4", "-6"].map((family) =>
        netns
          .ip(family, "route")
          .filter(({ dst }) => !dst.startsWith("fe80"))
          .map(({ dst, gateway, dev, scope, protocol, prefsrc, metric }) =>
            [dst, gateway, dev, scope, protocol, prefsrc, metric].join(" "),
          )
          .sort(),
      );
    const before = routes();
    for (const flushed of [["-4", "-6"], ["-6"]]) {
      for (const family of flushed) netns.ip(family, "route", "flush", "table", "main");
      const { json } = world.call("CHECK", { ...world.network(), prevResult }, { netns });
      assert.match(json.msg, /route of eth0 to the subnet of fd07::2\/64 is missing/);
      assert.match(repair(world), /^repaired eth0 .*:\n(?:.*\n)*? {2}route of eth0 to the subnet of fd07/);
      assert.deepEqual(routes(), before);
    }
    checked(world, world.network(), "c1", netns, prevResult);
    assert.equal(repair(world), "Nothing to repair.\n");
    using server = await tcpServer(world.host, "::");
    for (const gateway of ["10.7.0.1", "fd07::1"])
      assert.ok("seenAs" in (await tcpReach(netns, gateway, server.port)), gateway);
  });

  it("does not change a foreign interface with the name of ours, and reports it", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", world.network(), { netns });
    netns.ip("link", "del", "eth0");
    netns.ip("link", "add", "eth0", "type", "veth", "peer", "mine1");
    netns.ip("address", "add", "172.20.0.5/24", "dev", "eth0");
    const before = [netns.ip("link"), netns.ip("address")];
    for (const options of [["--dry-run"], []]) {
      const line = world.host.inside([nsNet, "repair", "--data-dir", world.dataDir, ...options]);
      const { exitCode, stdout } = Bun.spawnSync(line);
      assert.equal(exitCode, 1);
      assert.match(stdout.toString(), /^cannot repair eth0 .*whose interface is gone: Restart container c1/);
    }
    assert.deepEqual([netns.ip("link"), netns.ip("address")], before);
  });

  it("prints what it would insert, and with --dry-run inserts nothing", () => {
    using world = freshWorld();
    for (const container of ["a", "b"]) world.must("ADD", world.network(), { netns: world.netns(), container });
    rmSync(world.dataDir, { recursive: true });
    assert.equal(repair(world, "--dry-run"), "would rebuild 2 entries from the kernel\n");
    assert.equal(existsSync(world.dataDir), false);
  });

  it("reports what it cannot repair, and exits with 1", () => {
    using world = freshWorld();
    world.must("ADD", world.network(), { netns: world.netns() });
    world.host.ip("link", "del", ourLinks(world.host)[0]!);
    assert.throws(() => repair(world));
    assert.ok(links(world.host).has("br0"));
  });
});
