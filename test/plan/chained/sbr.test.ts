/**
 * sbr on the real kernel: a container with two interfaces, each to another machine, which answers only through the
 * interface that received the packet. Witnesses: `ip`, `ping`.
 */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, type Netns } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

/**
 * Two networks of the host with a machine each, whose default gateway is the host's bridge, and a remote machine behind
 * both.
 */
function twoNetworks() {
  const world = freshWorld();
  const folder = join(world.dataDir, "..");
  for (const name of ["macvlan", "sbr"]) symlinkSync(nsNet, join(folder, name));
  const outside = world.netns("outside");
  for (const [i, far] of ["far0", "far1"].entries()) {
    cable(
      { ns: world.host, ifname: `up${i}` },
      { ns: outside, ifname: far, cidrs: [`10.7.${i}.1/24`, `fd07:${i}::1/64`] },
    );
  }
  outside.ip("address", "add", "198.51.100.1/32", "dev", "lo");
  outside.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
  const netns = world.netns();
  const call = (ifname: string, type: string) => ({ netns, ifname, container: "c", plugin: join(folder, type) });
  return { world, outside, netns, call };
}

const routes = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];

const link = (world: World, i: number) => ({
  ...{ cniVersion: "1.1.0", name: `net${i}`, type: "macvlan", master: `up${i}`, dataDir: world.dataDir },
  ipam: { type: "host-local", ranges: [[{ subnet: `10.7.${i}.0/24` }], [{ subnet: `fd07:${i}::/64` }]], routes },
});

const sbr = (world: World, i: number, more: object = {}) => {
  return { cniVersion: "1.1.0", name: `net${i}`, type: "sbr", dataDir: world.dataDir, ...more };
};

const routesIn = (netns: Netns, table: string, family = "-4") =>
  netns
    .ip(family, "route", "show", "table", table)
    .filter(({ dst, type }) => !dst.startsWith("fe80") && type !== "multicast")
    .map(({ dst, gateway, dev }) => [dst, gateway, dev].filter(Boolean).join(" "))
    .sort();

const rulesOf = (netns: Netns, family = "-4") =>
  netns
    .ip(family, "rule")
    .filter(({ src }) => src !== "all")
    .map(({ src, table }) => `${src} ${table}`)
    .sort();

describe("Called as sbr", () => {
  before(function () {
    needs(this, "ns-net", "macvlan", "ipv6", "ping");
  });

  it("packets from an address leave by its interface, and DEL restores the routes", () => {
    const { world, outside, netns, call } = twoNetworks();
    using _ = world;
    world.must("ADD", link(world, 0), call("eth0", "macvlan"));
    // The kernel would refuse the second default route of a family without another metric.
    const second = { ...link(world, 1), ipam: { ...link(world, 1).ipam, routes: [{ dst: "10.50.0.0/16" }] } };
    const prevResult = world.must("ADD", second, call("net1", "macvlan"));
    const before = [routesIn(netns, "main"), routesIn(netns, "main", "-6")];
    // The machine outside accepts packets from a network only by that network's cable.
    for (const key of ["all", "far0", "far1"])
      outside.run("sh", "-c", `echo 1 >/proc/sys/net/ipv4/conf/${key}/rp_filter`);
    const ping = (from: string, waitS = "5") => netns.run("ping", "-c1", "-W", waitS, "-I", from, "198.51.100.1");
    assert.throws(() => ping("10.7.1.2", "1"));
    const result = world.must("ADD", sbr(world, 1, { prevResult }), call("net1", "sbr"));
    assert.deepEqual(result, prevResult);
    assert.deepEqual(rulesOf(netns), ["10.7.1.2 100"]);
    assert.deepEqual(rulesOf(netns, "-6"), ["fd07:1::2 101"]);
    assert.deepEqual(routesIn(netns, "100"), [
      "10.50.0.0/16 10.7.1.1 net1",
      "10.7.1.0/24 net1",
      "default 10.7.1.1 net1",
    ]);
    assert.deepEqual(routesIn(netns, "101", "-6"), ["default fd07:1::1 net1", "fd07:1::/64 net1"]);
    assert.deepEqual(routesIn(netns, "main"), ["10.7.0.0/24 eth0", "default 10.7.0.1 eth0"]);
    assert.deepEqual(routesIn(netns, "main", "-6"), ["default fd07::1 eth0", "fd07::/64 eth0"]);
    for (const from of ["10.7.0.2", "10.7.1.2"]) {
      assert.match(ping(from), /1 received/, from);
    }
    assert.match(netns.run("ping", "-c1", "-W5", "-I", "fd07:1::2", "fd07:1::1"), /1 received/);
    world.must("CHECK", sbr(world, 1, { prevResult: result }), call("net1", "sbr"));
    netns.ip("rule", "del", "from", "10.7.1.2", "lookup", "100");
    const { json } = world.call("CHECK", sbr(world, 1, { prevResult: result }), call("net1", "sbr"));
    assert.match(json.msg, /rule from 10.7.1.2 lookup 100 in the container is missing/);
    world.must("DEL", sbr(world, 1), call("net1", "sbr"));
    assert.deepEqual([rulesOf(netns), rulesOf(netns, "-6")], [[], []]);
    assert.deepEqual([routesIn(netns, "main"), routesIn(netns, "main", "-6")], before);
    world.must("DEL", sbr(world, 1), call("net1", "sbr"));
    world.must("DEL", sbr(world, 1), { ...call("net1", "sbr"), netns: "" });
  });

  it("without its entry, DEL removes the rules for the interface's addresses, and no others", () => {
    const { world, netns, call } = twoNetworks();
    using _ = world;
    const prevResult = world.must("ADD", link(world, 1), call("net1", "macvlan"));
    netns.ip("rule", "add", "from", "10.9.9.9", "lookup", "77");
    world.must("ADD", sbr(world, 1, { prevResult }), call("net1", "sbr"));
    world.must("DEL", { ...sbr(world, 1), dataDir: `${world.dataDir}-other` }, call("net1", "sbr"));
    assert.deepEqual([rulesOf(netns), rulesOf(netns, "-6")], [["10.9.9.9 77"], []]);
  });

  it("with table it adds only rules; a table in use is skipped", () => {
    const { world, netns, call } = twoNetworks();
    using _ = world;
    const prevResult = world.must("ADD", link(world, 1), call("net1", "macvlan"));
    const before = routesIn(netns, "main");
    world.must("ADD", sbr(world, 1, { prevResult, table: 300 }), call("net1", "sbr"));
    assert.deepEqual([rulesOf(netns), rulesOf(netns, "-6")], [["10.7.1.2 300"], ["fd07:1::2 300"]]);
    assert.deepEqual(routesIn(netns, "main"), before);
    world.must("DEL", sbr(world, 1), call("net1", "sbr"));
    netns.ip("rule", "add", "from", "10.9.9.9", "lookup", "100");
    netns.ip("route", "add", "10.60.0.0/16", "dev", "net1", "table", "101");
    world.must("ADD", sbr(world, 1, { prevResult }), call("net1", "sbr"));
    assert.deepEqual(rulesOf(netns), ["10.7.1.2 102", "10.9.9.9 100"]);
  });

  it("gateways go before those of the addresses, and with addSourceHints the subnets stay in the main table", () => {
    const { world, netns, call } = twoNetworks();
    using _ = world;
    const prevResult = world.must("ADD", link(world, 1), call("net1", "macvlan"));
    const more = { prevResult, gateways: ["10.7.1.9", "fd07:1::9"], addSourceHints: true };
    world.must("ADD", sbr(world, 1, more), call("net1", "sbr"));
    assert.deepEqual(routesIn(netns, "100"), ["10.7.1.0/24 net1", "default 10.7.1.9 net1"]);
    assert.deepEqual(routesIn(netns, "101", "-6"), ["default fd07:1::9 net1", "fd07:1::/64 net1"]);
    assert.deepEqual(routesIn(netns, "main"), ["10.7.1.0/24 net1"]);
  });

  for (const [title, more, says] of [
    ["no prevResult", {}, /Cannot run sbr without prevResult/],
    [
      "no addresses",
      { prevResult: { cniVersion: "1.1.0", interfaces: [{ name: "net1" }], ips: [] } },
      /prevResult has none/,
    ],
    ["two gateways of a family", { gateways: ["10.7.1.1", "10.7.1.2"] }, /Cannot use gateways/],
    ["a gateway that is none", { gateways: ["unknown"] }, /Cannot use gateways\[0\] = "unknown"/],
  ] as const) {
    it(`it refuses ${title}`, () => {
      const { world, netns, call } = twoNetworks();
      using _ = world;
      const before = world.snapshot(netns);
      const { json } = world.call("ADD", sbr(world, 1, more), call("net1", "sbr"));
      assert.equal(json.code, 7);
      assert.match(json.msg, says);
      assert.deepEqual(world.snapshot(netns), before);
    });
  }
});
