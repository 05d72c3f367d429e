/**
 * Compares containers of ns-net with those of the reference where they once differed. Witnesses: `ip`, /proc/sys, ping.
 */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { links, type Netns } from "../../support/sandbox.ts";
import { freshWorld, ranges, type World } from "../../support/world.ts";

const routesOf = (netns: Netns, family: "-4" | "-6", to: string): string[] =>
  netns
    .ip(family, "route", "show", to)
    .flatMap(
      ({ gateway, dev, nexthops }: { gateway?: string; dev?: string; nexthops?: { gateway: string; dev: string }[] }) =>
        (nexthops ?? [{ gateway, dev }]).map((hop) => `${hop.gateway} ${hop.dev}`),
    );

const setting = (netns: Netns, path: string) => netns.run("cat", `/proc/sys/${path}`).trim();

describe("The same network as the reference's", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6");
  });

  it("two attachments of a container have a default route each, CHECK finds both, and one is left after the other's DEL", () => {
    using world = freshWorld();
    const netns = world.netns();
    const attached = [1, 2].map((i) => {
      const config = world.network({
        ...{ name: `n${i}`, bridge: `br${i}`, isDefaultGateway: true },
        ipam: { ...ranges(`10.2${i}.0.0/24`, `fd2${i}::/64`), routes: [{ dst: "10.200.0.0/16" }] },
      });
      const ifname = `net${i}`;
      return { config, ifname, prevResult: world.must("ADD", config, { netns, ifname }) };
    });
    for (const [family, to, gateways] of [
      ["-4", "default", ["10.21.0.1 net1", "10.22.0.1 net2"]],
      ["-4", "10.200.0.0/16", ["10.21.0.1 net1", "10.22.0.1 net2"]],
      ["-6", "default", ["fd21::1 net1", "fd22::1 net2"]],
    ] as const)
      assert.deepEqual(routesOf(netns, family, to).sort(), gateways);
    for (const { config, ifname, prevResult } of attached) {
      world.must("CHECK", { ...config, prevResult }, { netns, ifname });
    }
    world.must("DEL", attached[0]!.config, { netns, ifname: "net1" });
    assert.deepEqual(routesOf(netns, "-4", "default"), ["10.22.0.1 net2"]);
    assert.deepEqual(routesOf(netns, "-6", "default"), ["fd22::1 net2"]);
  });

  it("a route that the kernel created with the address is no difference for CHECK", () => {
    using world = freshWorld();
    const netns = world.netns();
    const config = world.network({
      ipam: { ...ranges("10.23.0.0/24"), routes: [{ dst: "10.23.0.0/24", scope: 253 }] },
    });
    const prevResult = world.must("ADD", config, { netns });
    world.must("CHECK", { ...config, prevResult }, { netns });
  });

  it("an address without a gateway gets the first of its subnet, on the bridge, in the result and as a route", () => {
    using world = freshWorld();
    const netns = world.netns();
    const addresses = [{ address: "10.5.0.7/24" }, { address: "fd05::7/64" }];
    const config = world.network({ isDefaultGateway: true, ipam: { type: "static", addresses } });
    const prevResult = world.must("ADD", config, { netns });
    assert.deepEqual(
      prevResult.ips.map(({ gateway }: { gateway: string }) => gateway),
      ["10.5.0.1", "fd05::1"],
    );
    assert.deepEqual(routesOf(netns, "-4", "default"), ["10.5.0.1 eth0"]);
    assert.deepEqual(routesOf(netns, "-6", "default"), ["fd05::1 eth0"]);
    netns.run("ping", "-c1", "-W5", "10.5.0.1");
    netns.run("ping", "-c1", "-W5", "fd05::1");
    world.must("CHECK", { ...config, prevResult }, { netns });
  });

  it("no container can become the host's router: a new bridge, an existing one, and ptp's end ignore announcements", () => {
    using world = freshWorld();
    world.host.ip("link", "add", "br1", "type", "bridge");
    assert.equal(setting(world.host, "net/ipv6/conf/br1/accept_ra"), "1");
    for (const [container, change, link] of [
      ["a", {}, "br0"],
      ["b", { name: "other", bridge: "br1", ipam: ranges("10.24.0.0/24") }, "br1"],
    ] as const) {
      const [netns, config] = [world.netns(), world.network(change)];
      const prevResult = world.must("ADD", config, { netns, container });
      assert.equal(setting(world.host, `net/ipv6/conf/${link}/accept_ra`), "0");
      world.host.run("sh", "-c", `echo 1 >/proc/sys/net/ipv6/conf/${link}/accept_ra`);
      assert.match(world.call("CHECK", { ...config, prevResult }, { netns, container }).json.msg, /accept_ra/);
    }
    const plugin = join(world.dataDir, "../ptp");
    symlinkSync(nsNet, plugin);
    const { interfaces } = world.must("ADD", world.network({ type: "ptp", name: "p", ipam: ranges("10.25.0.0/24") }), {
      ...{ netns: world.netns(), container: "c", plugin },
    });
    assert.equal(setting(world.host, `net/ipv6/conf/${interfaces[0].name}/accept_ra`), "0");
  });

  it("an existing bridge keeps the address in the result while ports come and go", () => {
    using world = freshWorld();
    world.host.ip("link", "add", "br0", "type", "bridge");
    const told = (): string => links(world.host).get("br0").address;
    const added = ["a", "b", "c"].map((container) => {
      const { interfaces } = world.must("ADD", world.network(), { netns: world.netns(), container });
      assert.equal(interfaces[0].mac, told());
      return interfaces[0].mac as string;
    });
    world.must("DEL", world.network(), { netns: "", container: "a" });
    assert.deepEqual([...new Set([...added, told()])], [added[0]]);
    for (const container of ["b", "c"]) world.must("DEL", world.network(), { netns: "", container });
    world.host.ip("link", "add", "br1", "type", "bridge");
    world.host.ip("link", "add", "x0", "master", "br1", "type", "veth", "peer", "name", "x1");
    world.host.ip("link", "del", "x0");
    const config = world.network({ name: "n1", bridge: "br1", ipam: ranges("10.26.0.0/24") });
    const { interfaces } = world.must("ADD", config, { netns: world.netns() });
    assert.equal(interfaces[0].mac, links(world.host).get("br1").address);
    assert.notEqual(interfaces[0].mac, "00:00:00:00:00:00");
  });

  it("reports prevResult first, and then its own", () => {
    using world = freshWorld();
    const folder = join(world.dataDir, "..");
    const netns = world.netns();
    const { name, cniVersion, dataDir } = world.network() as { name: string; cniVersion: string; dataDir: string };
    symlinkSync(nsNet, join(folder, "loopback"));
    const before = world.must(
      "ADD",
      { name, cniVersion, dataDir, type: "loopback" },
      { netns, plugin: join(folder, "loopback") },
    );
    const config = { ...world.network({ isDefaultGateway: true }), prevResult: before };
    const result = world.must("ADD", config, { netns });
    assert.deepEqual(
      result.interfaces.map(({ name: ifname }: { name: string }) => ifname.replace(/^nsv.*/, "nsv")),
      ["lo", "br0", "nsv", "eth0"],
    );
    assert.deepEqual(result.ips.slice(0, before.ips.length), before.ips);
    assert.deepEqual([result.ips.at(-1).address, result.ips.at(-1).interface], ["10.7.0.2/24", 3]);
    world.must("CHECK", { ...config, prevResult: result }, { netns });
    world.must("DEL", config, { netns });
    assert.ok(!links(netns).has("eth0"));
  });

  it("forceAddress leaves the gateway's IPv4 address and no other", () => {
    using world = freshWorld();
    const add = (i: number, forceAddress: boolean) => {
      const config = world.network({ name: `n${i}`, forceAddress, ipam: ranges(`10.3${i}.0.0/24`) });
      world.must("ADD", config, { netns: world.netns(), container: `c${i}` });
    };
    const ipv4 = () =>
      world.host.ip("-4", "address", "show", "br0")[0].addr_info.map(({ local }: { local: string }) => local);
    add(1, false);
    add(2, false);
    assert.deepEqual(ipv4(), ["10.31.0.1", "10.32.0.1"]);
    add(3, true);
    assert.deepEqual(ipv4(), ["10.33.0.1"]);
  });
});

/** Runs a list by our executable under the reference's names, as a runtime does. */
function chained(world: World, types: readonly string[]) {
  const folder = join(world.dataDir, "../names");
  mkdirSync(folder, { recursive: true });
  for (const type of types) symlinkSync(nsNet, join(folder, type));
  return (type: string) => ({ plugin: join(folder, type) });
}

describe("CHECK of the interface plugin", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat");
  });

  it("accepts the later changes of firewall and sbr", () => {
    for (const [type, keys] of [
      ["firewall", { ingressPolicy: "isolated" }],
      ["sbr", {}],
    ] as const) {
      using world = freshWorld();
      const at = chained(world, [type]);
      const netns = world.netns();
      const config = world.network({ isDefaultGateway: true, ipMasq: true });
      const first = world.must("ADD", config, { netns });
      const { name, cniVersion, dataDir } = config as { name: string; cniVersion: string; dataDir: string };
      const later = { name, cniVersion, dataDir, type, ...keys };
      const prevResult = world.must("ADD", { ...later, prevResult: first }, { netns, ...at(type) });
      world.must("CHECK", { ...config, prevResult }, { netns });
      world.must("CHECK", { ...later, prevResult }, { netns, ...at(type) });
    }
  });

  it("sbr's DEL restores the default route after the subnet's", () => {
    using world = freshWorld();
    const at = chained(world, ["sbr"]);
    const netns = world.netns();
    const config = world.network({ isDefaultGateway: true });
    const shown = () => netns.run("ip", "route");
    const prevResult = world.must("ADD", config, { netns });
    const routes = shown();
    const { name, cniVersion, dataDir } = config as { name: string; cniVersion: string; dataDir: string };
    const sbr = { name, cniVersion, dataDir, type: "sbr", prevResult };
    world.must("ADD", sbr, { netns, ...at("sbr") });
    assert.notEqual(shown(), routes);
    world.must("DEL", sbr, { netns, ...at("sbr") });
    assert.match(shown(), /^default via 10\.7\.0\.1 dev eth0/m);
  });
});

describe("A policy of the bridge", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ping");
  });

  it("is removed with the last attachment, by one call and by firewall, so that the next may have none", () => {
    for (const isChain of [false, true]) {
      using world = freshWorld();
      const at = chained(world, ["firewall"]);
      const base = world.network();
      const { name, cniVersion, dataDir } = base as { name: string; cniVersion: string; dataDir: string };
      const guarded = isChain ? base : world.network({ ingressPolicy: "same-bridge" });
      const firewall = { name, cniVersion, dataDir, type: "firewall", ingressPolicy: "same-bridge" };
      const netns = world.netns();
      for (const container of ["a", "b"]) {
        const prevResult = world.must("ADD", guarded, { netns, container, ifname: container });
        if (isChain)
          world.must("ADD", { ...firewall, prevResult }, { netns, container, ifname: container, ...at("firewall") });
      }
      for (const container of ["a", "b"]) {
        assert.match(world.host.nft("list", "ruleset"), /"br0" comment "same-bridge/);
        if (isChain) world.must("DEL", firewall, { netns: "", container, ifname: container, ...at("firewall") });
        world.must("DEL", base, { netns: "", container, ifname: container });
      }
      assert.doesNotMatch(world.host.nft("list", "ruleset"), /"br0" comment "same-bridge/);
      const [pod, other] = [world.netns(), world.netns()];
      const { ips } = world.must("ADD", base, { netns: pod, container: "open" });
      const elsewhere = world.network({ name: "other", bridge: "br9", ipam: ranges("10.99.0.0/24") });
      world.must("ADD", elsewhere, { netns: other, container: "elsewhere" });
      other.run("ping", "-c1", "-W5", ips[0].address.split("/")[0]);
    }
  });
});

describe("A VLAN's master", () => {
  it("may be a port of a bridge, which gets only frames without the VLAN's tag", function () {
    needs(this, "ns-net", "bridge", "vlan");
    using world = freshWorld();
    world.host.ip("link", "add", "br0", "type", "bridge");
    world.host.ip("link", "add", "u0", "master", "br0", "type", "veth", "peer", "name", "u1");
    for (const link of ["br0", "u0", "u1"]) world.host.ip("link", "set", link, "up");
    const config = world.network({ type: "vlan", master: "u0", vlanId: 100, ipam: {}, isDefaultGateway: false });
    const plugin = join(world.dataDir, "../vlan");
    symlinkSync(nsNet, plugin);
    const netns = world.netns();
    world.must("ADD", config, { netns, plugin });
    assert.ok(links(netns).has("eth0"));
  });
});
