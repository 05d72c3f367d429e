/** A host with a default route by router advertisement keeps it when ADD makes it a router. Witnesses: `ip`, `ping`. */
import assert from "node:assert/strict";
import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../support/daemon.ts";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { advertise } from "../../support/router.ts";
import { cable, links, type Netns } from "../../support/sandbox.ts";
import { freshWorld, ranges, type World } from "../../support/world.ts";

const beyond = "2001:db8:88::1";

const linkLocal = (ns: Netns, ifname: string): string =>
  links(ns)
    .get(ifname)
    .addr_info.find((one: { scope: string; family: string }) => one.scope === "link" && one.family === "inet6")?.local;

const byAdvertisement = (ns: Netns): string[] =>
  ns
    .ip("-6", "route", "show", "default")
    .filter(({ protocol }) => protocol === "ra")
    .map(({ dev }) => dev);

interface Uplink {
  readonly router: Netns;
  /** Announces the router again. */
  announce(): void;
}

/** A router on a cable, which the host knows by its advertisement. The host's end is a port of `bridge`, if given. */
async function uplinkOf(world: World, bridge?: string): Promise<Uplink> {
  const router = world.netns("router");
  for (const ns of [world.host, router]) ns.run("sysctl", "-w", "net.ipv6.conf.default.accept_dad=0");
  router.run("sysctl", "-w", "net.ipv6.conf.all.forwarding=1");
  router.ip("address", "add", `${beyond}/128`, "dev", "lo", "nodad");
  if (bridge) {
    world.host.ip("link", "add", bridge, "type", "bridge");
    world.host.ip("link", "set", bridge, "up");
  }
  cable({ ns: world.host, ifname: "up0" }, { ns: router, ifname: "r0", cidrs: ["2001:db8:77::ffff/64"] });
  if (bridge) world.host.ip("link", "set", "up0", "master", bridge);
  const link = bridge ?? "up0";
  const announce = () => advertise(router, "r0", linkLocal(world.host, link));
  await until("the host has a router", () => {
    announce();
    return byAdvertisement(world.host).includes(link);
  });
  assert.match(world.host.run("ping", "-6", "-c1", "-W2", beyond), /1 received/);
  return { router, announce };
}

describe("Turning on IPv6 forwarding", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "ping", "socat");
  });

  for (const type of ["ns-net", "bridge", "ptp"]) {
    it(`keeps the default route that came by router advertisement, and accepts the next one, and reports it (${type})`, async () => {
      using world = freshWorld();
      const { announce } = await uplinkOf(world);
      const plugin = type === "ns-net" ? nsNet : join(world.dataDir, "..", type);
      if (!existsSync(plugin)) symlinkSync(nsNet, plugin);
      const ipam = { type: "host-local", ranges: [[{ subnet: "fd07::/64" }]] };
      const config = world.network({ type, isDefaultGateway: type !== "ptp", ipam });
      const { stderr } = world.call("ADD", config, { netns: world.netns(), plugin });
      assert.equal(world.host.sysctl("net/ipv6/conf/all/forwarding"), "1");
      assert.deepEqual(byAdvertisement(world.host), ["up0"]);
      assert.match(world.host.run("ping", "-6", "-c1", "-W2", beyond), /1 received/);
      assert.match(stderr, /^ns-net: up0 has routes from router advertisements.*net\.ipv6\.conf\.up0\.accept_ra to 2/m);
      world.host.ip("-6", "route", "del", "default", "dev", "up0");
      await until("the next one is heard", () => {
        announce();
        return byAdvertisement(world.host).includes("up0");
      });
      const again = world.call("ADD", config, { netns: world.netns(), plugin, container: "c2" });
      assert.deepEqual([again.code, again.stderr], [0, ""]);
    });
  }

  it("does not change an interface without such a route, and one whose advertisements a program handles", async () => {
    using world = freshWorld();
    await uplinkOf(world);
    world.host.run("sysctl", "-w", "net.ipv6.conf.up0.accept_ra=0");
    cable({ ns: world.host, ifname: "other0" }, { ns: world.netns(), ifname: "x0" });
    world.must("ADD", world.network({ ipam: ranges("fd07::/64") }), { netns: world.netns() });
    assert.equal(world.host.sysctl("net/ipv6/conf/up0/accept_ra"), "0");
    assert.equal(world.host.sysctl("net/ipv6/conf/other0/accept_ra"), "1");
  });

  it("changes none of them for a network without IPv6", async () => {
    using world = freshWorld();
    await uplinkOf(world);
    const { stderr } = world.call("ADD", world.network(), { netns: world.netns() });
    assert.deepEqual([stderr, world.host.sysctl("net/ipv6/conf/up0/accept_ra")], ["", "1"]);
  });

  it("keeps accepting the router of a LAN's bridge that is the host's own uplink", async () => {
    using world = freshWorld();
    const { announce } = await uplinkOf(world, "br0");
    const gateway = { isDefaultGateway: false, isGateway: true };
    for (const [container, ipam] of [["c1", ranges("10.7.0.0/24")] as const, ["c2", ranges("fd07::/64")] as const]) {
      world.must("ADD", world.network({ ...gateway, name: container, ipam }), { netns: world.netns(), container });
      assert.deepEqual(byAdvertisement(world.host), ["br0"]);
      world.host.ip("-6", "route", "del", "default", "dev", "br0");
      await until("the next one is heard", () => {
        announce();
        return byAdvertisement(world.host).includes("br0");
      });
    }
  });
});
