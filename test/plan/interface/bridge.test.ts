/** The effect of the bridge's keys in the kernel. Witnesses: `ip` and `bridge`. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, links, type Netns, run } from "../../support/sandbox.ts";
import { dualStack, freshWorld, ourLinks, ranges, type World } from "../../support/world.ts";

/** `bridge -d -j link` of our only port. */
// biome-ignore lint/suspicious/noExplicitAny: as for Netns.ip
function port(world: World): any {
  const ports = JSON.parse(run(world.host.inside(["bridge", "-d", "-j", "link"])));
  return ports.find(({ ifname }: { ifname: string }) => ifname === ourLinks(world.host)[0]);
}

/** A default route by an interface of this MTU. */
function uplink(world: World, mtu: number): Netns {
  const outside = world.netns("outside");
  cable({ ns: world.host, ifname: "up0", cidrs: ["192.0.2.2/24"] }, { ns: outside, ifname: "up0" });
  world.host.ip("link", "set", "up0", "mtu", String(mtu));
  world.host.ip("route", "add", "default", "via", "192.0.2.1");
  return outside;
}

const l2 = { ipam: {}, isDefaultGateway: false };

describe("The bridge's keys:", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6");
  });

  describe("mtu", () => {
    const mtus = (world: World, netns: Netns) => [
      links(netns).get("eth0").mtu,
      links(world.host).get(ourLinks(world.host)[0]!).mtu,
      links(world.host).get("br0").mtu,
    ];

    it("is that of the default route's interface", () => {
      using world = freshWorld();
      uplink(world, 1420);
      const netns = world.netns();
      world.must("ADD", world.network(), { netns });
      assert.deepEqual(mtus(world, netns), [1420, 1420, 1420]);
    });

    it("is that of the default route's interface also on a host that has addresses of the documentation", () => {
      using world = freshWorld();
      const outside = world.netns("outside");
      const cables = [
        { ifname: "up0", mtu: "1420", cidr: "192.0.2.1/24" },
        { ifname: "lan0", mtu: "1300", cidr: "198.51.100.7/24" },
      ];
      for (const { ifname, mtu, cidr } of cables) {
        cable({ ns: world.host, ifname, cidrs: [cidr] }, { ns: outside, ifname });
        world.host.ip("link", "set", ifname, "mtu", mtu);
      }
      world.host.ip("route", "add", "default", "via", "192.0.2.254");
      const netns = world.netns();
      world.must("ADD", world.network(), { netns });
      assert.deepEqual(mtus(world, netns), [1420, 1420, 1420]);
    });

    it("is that of a default route without a gateway", () => {
      using world = freshWorld();
      cable({ ns: world.host, ifname: "up0" }, { ns: world.netns("outside"), ifname: "up0" });
      world.host.ip("link", "set", "up0", "mtu", "1420");
      world.host.ip("route", "add", "default", "dev", "up0");
      const netns = world.netns();
      world.must("ADD", world.network(), { netns });
      assert.deepEqual(mtus(world, netns), [1420, 1420, 1420]);
    });

    it("is Ethernet's without a default route", () => {
      using world = freshWorld();
      const netns = world.netns();
      world.must("ADD", world.network(), { netns });
      assert.deepEqual(mtus(world, netns), [1500, 1500, 1500]);
    });

    it("is the configured one, also if larger than Ethernet's", () => {
      using world = freshWorld();
      uplink(world, 1420);
      const netns = world.netns();
      world.must("ADD", world.network({ mtu: 9000 }), { netns });
      assert.deepEqual(mtus(world, netns), [9000, 9000, 9000]);
    });

    for (const [cniVersion, expected] of [
      ["1.1.0", [undefined, 1420, 1420]],
      ["1.0.0", [undefined, undefined, undefined]],
    ] as const)
      it(`is ${expected[1] ? "" : "not "}in a result of ${cniVersion}`, () => {
        using world = freshWorld();
        uplink(world, 1420);
        const { interfaces } = world.must("ADD", world.network({ cniVersion }), { netns: world.netns() });
        assert.deepEqual(
          interfaces.map(({ mtu }: { mtu?: number }) => mtu),
          expected,
        );
      });
  });

  for (const [title, change, expected] of [
    ["hairpinMode is on unless said otherwise", {}, { hairpin: true, isolated: false }],
    ["hairpinMode false switches it off", { hairpinMode: false }, { hairpin: false, isolated: false }],
    ["portIsolation isolates the port", { portIsolation: true }, { hairpin: true, isolated: true }],
  ] as const) {
    it(title, () => {
      using world = freshWorld();
      world.must("ADD", world.network(change), { netns: world.netns() });
      const { hairpin, isolated, state } = port(world);
      assert.deepEqual({ hairpin, isolated, state }, { ...expected, state: "forwarding" });
    });
  }

  it("portIsolation keeps containers apart and lets both reach the gateway", () => {
    using world = freshWorld();
    const [a, b] = [world.netns(), world.netns()];
    world.must("ADD", world.network({ portIsolation: true }), { netns: a, container: "a" });
    world.must("ADD", world.network({ portIsolation: true }), { netns: b, container: "b" });
    a.run("ping", "-c1", "-W1", "10.7.0.1");
    b.run("ping", "-c1", "-W1", "10.7.0.1");
    assert.throws(() => a.run("ping", "-c1", "-W1", "10.7.0.3"));
  });

  it("promiscMode makes the bridge promiscuous, and hairpin stays off", () => {
    using world = freshWorld();
    world.must("ADD", world.network({ promiscMode: true }), { netns: world.netns() });
    assert.ok(links(world.host).get("br0").flags.includes("PROMISC"));
    assert.equal(port(world).hairpin, false);
  });

  it("disableContainerInterface leaves the container's end down, without addresses", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", world.network({ ...l2, disableContainerInterface: true }), { netns });
    const inner = links(netns).get("eth0");
    assert.deepEqual([inner.flags.includes("UP"), inner.addr_info], [false, []]);
  });

  it("isGateway gives the bridge its address and the container no default route", () => {
    using world = freshWorld();
    const netns = world.netns();
    const result = world.must("ADD", world.network({ isDefaultGateway: false, isGateway: true }), { netns });
    assert.equal(result.routes, undefined);
    assert.deepEqual(netns.ip("route", "show", "default"), []);
    netns.run("ping", "-c1", "-W1", "10.7.0.1");
  });

  it("without isGateway the bridge has no address and forwarding is not switched on", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", world.network({ isDefaultGateway: false }), { netns });
    const inet = links(world.host)
      .get("br0")
      .addr_info.filter(({ family }: { family: string }) => family === "inet");
    assert.deepEqual([inet, world.host.sysctl("net/ipv4/ip_forward")], [[], "0"]);
  });

  describe("forceAddress:", () => {
    it("another address of the bridge in the gateway's subnet is a conflict that names both addresses", () => {
      using world = freshWorld();
      world.host.ip("link", "add", "br0", "type", "bridge");
      world.host.ip("address", "add", "10.7.0.99/24", "dev", "br0");
      const netns = world.netns();
      const before = world.snapshot(netns);
      const { code, json } = world.call("ADD", world.network(), { netns });
      assert.deepEqual([code, json.code], [1, 7]);
      assert.match(json.msg, /10\.7\.0\.1\/24.*10\.7\.0\.99\/24/);
      assert.match(json.details, /forceAddress/);
      assert.deepEqual(world.snapshot(netns), before);
    });

    it("true replaces it", () => {
      using world = freshWorld();
      world.host.ip("link", "add", "br0", "type", "bridge");
      world.host.ip("address", "add", "10.7.0.99/24", "dev", "br0");
      world.must("ADD", world.network({ forceAddress: true }), { netns: world.netns() });
      const shown = links(world.host)
        .get("br0")
        .addr_info.filter(({ family }: { family: string }) => family === "inet");
      assert.deepEqual(
        shown.map(({ local }: { local: string }) => local),
        ["10.7.0.1"],
      );
    });

    it("an address in another subnet is no conflict and stays", () => {
      using world = freshWorld();
      world.host.ip("link", "add", "br0", "type", "bridge");
      world.host.ip("address", "add", "10.99.0.1/24", "dev", "br0");
      world.must("ADD", world.network(), { netns: world.netns() });
      const shown = links(world.host)
        .get("br0")
        .addr_info.map(({ local }: { local: string }) => local);
      assert.ok(shown.includes("10.99.0.1") && shown.includes("10.7.0.1"));
    });
  });

  it("a bridge of another program is used as it is, brought up, and not removed by GC", () => {
    using world = freshWorld();
    world.host.ip("link", "add", "br0", "address", "02:00:00:00:00:07", "mtu", "1400", "type", "bridge");
    const netns = world.netns();
    const result = world.must("ADD", world.network(), { netns });
    const bridge = links(world.host).get("br0");
    assert.deepEqual(
      [bridge.address, bridge.flags.includes("UP"), result.interfaces[0].mac],
      ["02:00:00:00:00:07", true, "02:00:00:00:00:07"],
    );
    world.must("DEL", world.network(), { netns });
    world.must("GC", world.network({ "cni.dev/valid-attachments": [] }));
    assert.ok(links(world.host).has("br0"));
  });

  it("the bridge keeps its hardware address as containers come and go", () => {
    using world = freshWorld();
    const macs = ["c1", "c2", "c3"].map((container) => {
      world.must("ADD", world.network(), { netns: world.netns(), container });
      return links(world.host).get("br0").address;
    });
    world.must("DEL", world.network(), { container: "c1" });
    assert.deepEqual(new Set([...macs, links(world.host).get("br0").address]).size, 1);
  });

  it("IPv6 works on a machine that switches it off for new links", () => {
    using world = freshWorld();
    const netns = world.netns();
    for (const ns of [world.host, netns]) ns.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1");
    world.must("ADD", world.network({ ipam: dualStack }), { netns });
    netns.run("ping", "-c1", "-W1", "fd07::1");
  });

  describe("routes", () => {
    const ipamWith = (...routes: object[]) => ({ ...ranges("10.7.0.0/24", "fd07::/64"), routes });
    const table = (netns: Netns, ...words: string[]) => netns.ip("route", "show", ...words)[0];

    for (const [title, route, words, expected] of [
      ["take the gateway of their address", { dst: "10.50.0.0/16" }, ["10.50.0.0/16"], { gateway: "10.7.0.1" }],
      [
        "take the gateway they name",
        { dst: "10.50.0.0/16", gw: "10.7.0.9" },
        ["10.50.0.0/16"],
        { gateway: "10.7.0.9" },
      ],
      ["have an MTU", { dst: "10.50.0.0/16", mtu: 1300 }, ["10.50.0.0/16"], { metrics: [{ mtu: 1300 }] }],
      ["have an advmss", { dst: "10.50.0.0/16", advmss: 1200 }, ["10.50.0.0/16"], { metrics: [{ advmss: 1200 }] }],
      ["have a priority", { dst: "10.50.0.0/16", priority: 42 }, ["10.50.0.0/16"], { metric: 42 }],
      ["go to a table", { dst: "10.50.0.0/16", table: 1000 }, ["table", "1000"], { dst: "10.50.0.0/16" }],
      ["have scope link", { dst: "10.50.0.0/16", scope: 253 }, ["10.50.0.0/16"], { scope: "link", gateway: undefined }],
    ] as const) {
      it(title, () => {
        using world = freshWorld();
        const netns = world.netns();
        const result = world.must("ADD", world.network({ ipam: ipamWith(route) }), { netns });
        const shown = table(netns, ...words);
        assert.ok(shown, "no such route");
        for (const [key, value] of Object.entries(expected)) assert.deepEqual(shown[key], value, key);
        assert.ok(result.routes.some(({ dst }: { dst: string }) => dst === route.dst));
      });
    }

    it("of IPv6 have an MTU and a priority too", () => {
      using world = freshWorld();
      const netns = world.netns();
      world.must("ADD", world.network({ ipam: ipamWith({ dst: "fd99::/48", mtu: 1300, priority: 7 }) }), { netns });
      const [shown] = netns.ip("-6", "route", "show", "fd99::/48");
      assert.deepEqual([shown.gateway, shown.metric, shown.metrics], ["fd07::1", 7, [{ mtu: 1300 }]]);
    });

    it("of IPv6 have an advmss, go to a table, and may be on the link alone", () => {
      using world = freshWorld();
      const netns = world.netns();
      const routes = [
        { dst: "fd98::/48", advmss: 1200, table: 1000 },
        { dst: "fd97::/48", scope: 253 },
      ];
      const { routes: told } = world.must("ADD", world.network({ ipam: ipamWith(...routes) }), { netns });
      const [shown] = netns.ip("-6", "route", "show", "table", "1000");
      assert.deepEqual([shown.dst, shown.gateway, shown.metrics], ["fd98::/48", "fd07::1", [{ advmss: 1200 }]]);
      const [onLink] = netns.ip("-6", "route", "show", "fd97::/48");
      assert.deepEqual([onLink.gateway, onLink.dev], [undefined, "eth0"]);
      assert.deepEqual(told.slice(0, 2), [{ ...routes[0], gw: "fd07::1" }, routes[1]]);
    });

    for (const type of ["bridge", "ptp"])
      it(`of static addresses have them all, with ${type}`, () => {
        using world = freshWorld();
        const netns = world.netns();
        const plugin = join(world.dataDir, `../${type}`);
        symlinkSync(nsNet, plugin);
        const route = { dst: "10.50.0.0/16", mtu: 1300, advmss: 1200, priority: 42, table: 1000 };
        const ipam = {
          type: "static",
          addresses: [
            { address: "10.7.0.5/24", gateway: "10.7.0.1" },
            { address: "10.8.0.5/24", gateway: "10.8.0.1" },
            { address: "fd07::5/64", gateway: "fd07::1" },
            { address: "fd08::5/64", gateway: "fd08::1" },
          ],
          routes: [route],
        };
        const config = world.network({ type, ipam });
        const prevResult = world.must("ADD", config, { netns, plugin });
        const [{ gateway, metric, metrics }] = netns.ip("route", "show", "table", "1000");
        assert.deepEqual([gateway, metric, metrics], ["10.7.0.1", 42, [{ mtu: 1300, advmss: 1200 }]]);
        const shown = links(netns)
          .get("eth0")
          .addr_info.map(({ local, prefixlen }: { local: string; prefixlen: number }) => `${local}/${prefixlen}`);
        for (const { address } of ipam.addresses) assert.ok(shown.includes(address), address);
        world.must("CHECK", { ...config, prevResult }, { netns, plugin });
      });

    it("that include a default route replace that of isDefaultGateway", () => {
      using world = freshWorld();
      const netns = world.netns();
      world.must("ADD", world.network({ ipam: ipamWith({ dst: "0.0.0.0/0", gw: "10.7.0.9" }) }), { netns });
      assert.deepEqual(
        netns.ip("route", "show", "default").map(({ gateway }) => gateway),
        ["10.7.0.9"],
      );
    });

    it("with an unreachable gateway are refused, and nothing is left", () => {
      using world = freshWorld();
      const netns = world.netns();
      const config = world.network({ ipam: ipamWith({ dst: "10.50.0.0/16", gw: "10.200.0.1" }) });
      const { code, json } = world.call("ADD", config, { netns });
      assert.deepEqual([code, json.code], [1, 7]);
      assert.match(json.msg, /10\.50\.0\.0\/16/);
      assert.deepEqual([ourLinks(world.host), links(netns).has("eth0"), world.rows()], [[], false, []]);
    });
  });
});
