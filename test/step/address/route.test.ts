/** Routes and gateways as people write them. Witnesses: `ip`, `ping`. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, links, type Netns } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

function named(world: World, name: string): string {
  const path = join(world.dataDir, "..", name);
  symlinkSync(nsNet, path);
  return path;
}

/** `destination gateway` of the container's routes with a gateway, of one family. */
const byGateway = (ns: Netns, family: "-4" | "-6"): string[] =>
  ns
    .ip(family, "route")
    .flatMap(({ dst, gateway, nexthops }) =>
      (nexthops ?? [{ gateway }]).map((hop: { gateway?: string }) => [dst, hop.gateway]),
    )
    .filter(([, gateway]) => gateway !== undefined)
    .map((pair) => pair.join(" "))
    .sort();

describe("Routes", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "ping");
  });

  for (const type of ["ns-net", "bridge", "ptp"]) {
    it(`${type} masks host bits of an IPv6 destination, as the kernel does, and refuses those of an IPv4 one`, () => {
      using world = freshWorld();
      const netns = world.netns();
      const plugin = type === "ns-net" ? nsNet : named(world, type);
      // As in CRI-O's 100-crio-bridge.conf.
      const routes = [{ dst: "0.0.0.0/0" }, { dst: "1100:200::1/24" }, { dst: "fdc4::0/0" }];
      const ipam = { type: "host-local", ranges: [[{ subnet: "10.7.0.0/24" }], [{ subnet: "1100:200::/64" }]], routes };
      const config = world.network({ type, isDefaultGateway: type !== "ptp", ipam });
      const result = world.must("ADD", config, { netns, plugin });
      assert.deepEqual(
        result.routes.map(({ dst }: { dst: string }) => dst),
        ["0.0.0.0/0", "1100:200::/24", "::/0"],
      );
      const told = byGateway(netns, "-6").filter((line) => !line.startsWith("1100:200::/64"));
      assert.deepEqual(told, ["1100:200::/24 1100:200::1", "default 1100:200::1"]);
      world.must("CHECK", { ...config, prevResult: result }, { netns, plugin });
      const wrong = world.network({ type, ipam: { ...ipam, routes: [{ dst: "10.2.0.9/24" }] } });
      const { json } = world.call("ADD", wrong, { netns, plugin, container: "c2" });
      assert.equal(json.code, 7);
      assert.match(json.details, /10\.2\.0\.0\/24, without host bits/);
    });

    it(`${type} accepts a link-local address as the gateway of an IPv6 subnet`, () => {
      using world = freshWorld();
      world.host.ip("address", "add", "2001:db8:9::1/128", "dev", "lo", "nodad");
      const [netns, other] = [world.netns(), world.netns()];
      const plugin = type === "ns-net" ? nsNet : named(world, type);
      const range = { subnet: "2001:db8:5:333::/64", gateway: "fe80::1" };
      const ipam = { type: "host-local", ...range, routes: [{ dst: "::/0" }] };
      const config = world.network({ type, isGateway: true, isDefaultGateway: false, ipam });
      const result = world.must("ADD", config, { netns, plugin });
      world.must("ADD", config, { netns: other, plugin, container: "c2" });
      assert.equal(result.ips[0].gateway, "fe80::1");
      assert.ok(byGateway(netns, "-6").includes("default fe80::1"));
      assert.match(netns.run("ping", "-6", "-c1", "-W2", "2001:db8:9::1"), /1 received/);
      world.must("CHECK", { ...config, prevResult: result }, { netns, plugin });
      assert.match(other.run("ping", "-6", "-c1", "-W2", result.ips[0].address.replace("/64", "")), /1 received/);
      const gatewayLink = type === "ptp" ? result.interfaces[0].name : "br0";
      world.host.ip("address", "del", `fe80::1/${type === "ptp" ? 128 : 64}`, "dev", gatewayLink);
      const { json } = world.call("CHECK", { ...config, prevResult: result }, { netns, plugin });
      assert.match(json.msg, /expected fe80::1\//);
    });
  }

  it("refuses a gateway outside the subnet that is no link-local address", () => {
    using world = freshWorld();
    for (const range of [
      { subnet: "2001:db8:5::/64", gateway: "2001:db8:6::1" },
      { subnet: "10.7.0.0/24", gateway: "fe80::1" },
      { subnet: "10.7.0.0/24", gateway: "169.254.1.1" },
    ]) {
      const { json } = world.call("ADD", world.network({ ipam: { type: "host-local", ...range } }), {
        netns: world.netns(),
      });
      assert.equal(json.code, 7);
      assert.match(json.msg, /ipam\.gateway/);
    }
  });

  it("installs two routes to one destination by different gateways, and CHECK compares both", () => {
    using world = freshWorld();
    const netns = world.netns();
    const routes = [
      ...["10.7.0.1", "10.7.0.254"].map((gw) => ({ dst: "10.9.0.0/16", gw })),
      ...["fd07::1", "fd07::fe"].map((gw) => ({ dst: "fd09::/64", gw })),
    ];
    const ranges = [[{ subnet: "10.7.0.0/24" }], [{ subnet: "fd07::/64" }]];
    const config = world.network({
      isDefaultGateway: false,
      isGateway: true,
      ipam: { type: "ns-net", ranges, routes },
    });
    const result = world.must("ADD", config, { netns });
    assert.deepEqual(result.routes, routes);
    assert.deepEqual(byGateway(netns, "-4"), ["10.9.0.0/16 10.7.0.1", "10.9.0.0/16 10.7.0.254"]);
    assert.deepEqual(byGateway(netns, "-6"), ["fd09::/64 fd07::1", "fd09::/64 fd07::fe"]);
    world.must("CHECK", { ...config, prevResult: result }, { netns });
    netns.run("ip", "route", "del", "10.9.0.0/16", "via", "10.7.0.1");
    assert.match(
      world.call("CHECK", { ...config, prevResult: result }, { netns }).json.msg,
      /10\.9\.0\.0\/16 via 10\.7\.0\.1/,
    );
  });

  it("sbr moves both of them to its table, and its DEL restores both", () => {
    using world = freshWorld();
    const netns = world.netns();
    const plugin = named(world, "sbr");
    const routes = ["10.7.0.1", "10.7.0.254"].map((gw) => ({ dst: "10.9.0.0/16", gw }));
    const ipam = { type: "ns-net", ranges: [[{ subnet: "10.7.0.0/24" }]], routes };
    const config = world.network({ isGateway: true, isDefaultGateway: false, ipam });
    const prevResult = world.must("ADD", config, { netns });
    const before = byGateway(netns, "-4");
    const later = { ...world.network({ type: "sbr" }), prevResult };
    world.must("ADD", later, { netns, plugin });
    assert.deepEqual(byGateway(netns, "-4"), []);
    assert.equal(netns.ip("route", "show", "table", "100").filter(({ dst }) => dst === "10.9.0.0/16").length, 2);
    world.must("DEL", later, { netns, plugin });
    assert.deepEqual(byGateway(netns, "-4"), before);
  });
});

describe("A namespace with IPv6 off for all interfaces", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "ping");
  });

  for (const type of ["ns-net", "bridge", "ptp", "macvlan"]) {
    it(`gets ::1 on lo and its addresses from ${type}, on a network that has IPv6`, function () {
      if (type === "macvlan") needs(this, "macvlan");
      using world = freshWorld();
      cable({ ns: world.host, ifname: "up0" }, { ns: world.netns(), ifname: "up0" });
      const netns = world.netns();
      netns.run("sysctl", "-w", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
      const plugin = type === "ns-net" ? nsNet : named(world, type);
      const ipam = { type: "host-local", ranges: [[{ subnet: "fd07::/64" }]] };
      const keys =
        type === "macvlan" ? { master: "up0", isDefaultGateway: undefined } : { isDefaultGateway: type !== "ptp" };
      const config = world.network({ type, ...keys, ipam });
      const result = world.must("ADD", config, { netns, plugin });
      const addresses = [...links(netns).values()].flatMap(({ ifname, addr_info }) =>
        addr_info
          .filter((one: { scope: string; family: string }) => one.scope !== "link" && one.family === "inet6")
          .map((one: { local: string }) => `${ifname} ${one.local}`),
      );
      assert.deepEqual(addresses, ["lo ::1", "eth0 fd07::2"]);
      assert.match(netns.run("ping", "-6", "-c1", "-W1", "::1"), /1 received/);
      world.must("CHECK", { ...config, prevResult: result }, { netns, plugin });
    });
  }
});
