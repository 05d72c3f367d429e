/** Requests of a configuration beside addresses. Witnesses: `ip`, `nft`, `ping`, traffic. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, links, type Netns } from "../../support/sandbox.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { dualStack, freshWorld, ourLinks } from "../../support/world.ts";

const linkLocal = (ns: Netns, ifname: string): string =>
  links(ns)
    .get(ifname)
    .addr_info.find((one: { scope: string; family: string }) => one.scope === "link" && one.family === "inet6")?.local;

describe("ip6Masq", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat");
  });

  for (const [keys, seen4, seen6] of [
    [{ ipMasq: true }, "192.0.2.2", "2001:db8:9::2"],
    [{ ipMasq: true, ip6Masq: false }, "192.0.2.2", "fd07::2"],
    [{ ipMasq: false, ip6Masq: true }, "10.7.0.2", "2001:db8:9::2"],
  ] as const) {
    it(`${JSON.stringify(keys)} masquerades these families and no other`, async () => {
      using world = freshWorld();
      const outside = world.netns("outside");
      for (const ns of [world.host, outside]) ns.run("sysctl", "-w", "net.ipv6.conf.default.accept_dad=0");
      cable(
        { ns: world.host, ifname: "up0", cidrs: ["192.0.2.2/24", "2001:db8:9::2/64"] },
        { ns: outside, ifname: "up0", cidrs: ["192.0.2.1/24", "2001:db8:9::1/64"] },
      );
      outside.ip("route", "add", "10.7.0.0/24", "via", "192.0.2.2");
      outside.ip("-6", "route", "add", "fd07::/64", "via", "2001:db8:9::2");
      const netns = world.netns();
      const config = world.network({ ...keys, ipam: dualStack });
      const result = world.must("ADD", config, { netns });
      using four = await tcpServer(outside);
      using six = await tcpServer(outside, "::");
      assert.deepEqual(await tcpReach(netns, "192.0.2.1", four.port), { seenAs: seen4 });
      assert.deepEqual(await tcpReach(netns, "2001:db8:9::1", six.port), { seenAs: seen6 });
      world.must("CHECK", { ...config, prevResult: result }, { netns });
    });
  }
});

describe("ptp with ipam {}", () => {
  before(function () {
    needs(this, "ns-net", "ipv6", "ping");
  });

  it("is a link with only link-local addresses", () => {
    using world = freshWorld();
    const plugin = join(world.dataDir, "../ptp");
    symlinkSync(nsNet, plugin);
    const netns = world.netns();
    const config = { cniVersion: "1.1.0", name: "p", type: "ptp", dataDir: world.dataDir, ipMasq: true, ipam: {} };
    const result = world.must("ADD", config, { netns, plugin });
    assert.deepEqual([result.ips, result.routes], [undefined, undefined]);
    const [host] = ourLinks(world.host);
    assert.equal(result.interfaces[0].name, host);
    assert.match(world.host.run("ping", "-c1", "-W2", `${linkLocal(netns, "eth0")}%${host}`), /1 received/);
    world.must("CHECK", { ...config, prevResult: result }, { netns, plugin });
    netns.ip("link", "set", "eth0", "down");
    assert.match(world.call("CHECK", { ...config, prevResult: result }, { netns, plugin }).json.msg, /expected up/);
    world.must("DEL", config, { netns: "", plugin });
    assert.deepEqual([ourLinks(world.host), world.rows()], [[], []]);
  });
});

describe("A gateway on a bridge without isGateway", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  const stored = { type: "ns-net", ranges: [[{ subnet: "10.7.0.0/24", gateway: "10.7.0.9" }]] };
  const fixed = { type: "static", addresses: [{ address: "10.7.0.2/24", gateway: "10.7.0.9" }] };

  for (const [what, change] of [
    ["in ipam", { ipam: stored }],
    ["of a static address", { ipam: fixed }],
    ["at the top", { ipam: undefined, subnet: "10.7.0.0/24", gateway: "10.7.0.9" }],
    ["with routes of the other family", { ipam: { ...stored, routes: [{ dst: "fd09::/64" }] } }],
  ] as const) {
    it(`is refused with code 2 ${what}, and nothing is touched`, () => {
      using world = freshWorld();
      const netns = world.netns();
      const before = world.snapshot(netns);
      const { json } = world.call("ADD", world.network({ isDefaultGateway: false, ...change }), { netns });
      assert.equal(json.code, 2);
      assert.match(json.msg, /gateway = "10\.7\.0\.9"/);
      assert.match(json.details, /isGateway/);
      assert.deepEqual(world.snapshot(netns), before);
    });
  }

  for (const ipam of [stored, fixed]) {
    it(`is the next hop of the routes, ${ipam.type}`, () => {
      using world = freshWorld();
      const netns = world.netns();
      const routes = [{ dst: "0.0.0.0/0" }];
      world.must("ADD", world.network({ isDefaultGateway: false, ipam: { ...ipam, routes } }), { netns });
      assert.equal(netns.ip("route", "show", "default")[0].gateway, "10.7.0.9");
      assert.deepEqual(world.host.ip("-4", "address", "show", "dev", "br0"), []);
    });
  }

  it("is only in the result of type bridge, as in the reference", () => {
    using world = freshWorld();
    const ipam = { type: "host-local", subnet: "10.7.0.0/24", gateway: "10.7.0.9" };
    const config = world.network({ type: "bridge", isDefaultGateway: false, ipam });
    assert.equal(world.must("ADD", config, { netns: world.netns() }).ips[0].gateway, "10.7.0.9");
  });
});
