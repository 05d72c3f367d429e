/** The bridge after a plugin that left an interface on the host. Witnesses: `ip`, pings. */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import type { Netns } from "../../support/sandbox.ts";
import { freshWorld, ourLinks, type World } from "../../support/world.ts";

/** The result of a plugin that created a machine's interface: here a veth, whose inner end plays the machine. */
function machine(world: World, name: string, address: string) {
  const inside = world.netns("machine");
  world.host.ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", inside.name);
  inside.ip("link", "set", "eth0", "up");
  inside.ip("address", "add", address, "dev", "eth0");
  const ips = [{ address, gateway: "10.7.0.1", interface: 0 }];
  return {
    inside,
    prevResult: { cniVersion: "1.1.0", interfaces: [{ name, mac: "0a:00:00:00:00:01" }], ips, routes: [] },
  };
}

const masterOf = (world: World, name: string): string | undefined => world.host.ip("link", "show", name)[0].master;
const hears = (from: Netns, to: string) => Bun.spawnSync(from.inside(["ping", "-c1", "-W1", to])).exitCode === 0;

describe("After a plugin that left an interface on the host", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  for (const [type, change] of [
    ["ns-net", { isDefaultGateway: true, ipMasq: true, ipam: undefined, portIsolation: true }],
    ["bridge", { isGateway: true, ipam: {} }],
  ] as const)
    it(`${type} makes that the port, and DEL, CHECK and GC treat it so`, () => {
      using world = freshWorld();
      const config = { ...world.network({ ...change, bridge: "br0" }), type };
      const { inside, prevResult } = machine(world, "vm0", "10.7.0.9/24");
      const call = { netns: world.netns() };
      const result = world.must("ADD", { ...config, prevResult }, call);
      const { mac, ...bridge } = result.interfaces[1];
      assert.deepEqual([result.ips, bridge], [prevResult.ips, { name: "br0" }]);
      assert.equal(mac, world.host.ip("link", "show", "br0")[0].address);
      assert.deepEqual([masterOf(world, "vm0"), ourLinks(world.host)], ["br0", []]);
      assert.equal(world.host.ip("link", "show", "vm0")[0].linkinfo.info_slave_data.isolated, type === "ns-net");
      assert.ok(hears(inside, "10.7.0.1"));
      world.must("CHECK", { ...config, prevResult: result }, call);
      world.host.ip("link", "set", "vm0", "nomaster");
      assert.match(world.call("CHECK", { ...config, prevResult: result }, call).json.msg, /vm0/);
      world.host.ip("link", "set", "vm0", "master", "br0");
      world.must("DEL", config, { netns: "" });
      assert.equal(masterOf(world, "vm0"), undefined);
      world.must("DEL", config, { netns: "" });
      world.must("ADD", { ...config, prevResult }, call);
      world.must("GC", { ...config, "cni.dev/valid-attachments": [] });
      assert.equal(masterOf(world, "vm0"), undefined);
      assert.deepEqual(
        world.host.ip("link").map(({ ifname }) => ifname),
        ["lo", "vm0"],
      );
    });

  it("a tap becomes the port, too, and reaches a container on the same bridge", function () {
    needs(this, "tap");
    using world = freshWorld();
    world.host.ip("tuntap", "add", "tap0", "mode", "tap");
    const prevResult = { cniVersion: "1.1.0", interfaces: [{ name: "tap0" }], ips: [] };
    world.must(
      "ADD",
      { ...world.network({ ipam: {}, isDefaultGateway: false }), prevResult },
      { netns: world.netns() },
    );
    assert.equal(masterOf(world, "tap0"), "br0");
    assert.ok(world.host.ip("link", "show", "tap0")[0].flags.includes("UP"));
  });

  for (const [title, change, says] of [
    ["addresses of its own", { ipam: { type: "ns-net", subnet: "10.7.0.0/24" } }, /ipam/],
    ["macspoofchk", { ipam: {}, isDefaultGateway: false, macspoofchk: true }, /macspoofchk/],
    [
      "another bridge than the one it is in",
      { ipam: {}, isDefaultGateway: false, bridge: "br9" },
      /vm0 is a port of br0/,
    ],
  ] as const)
    it(`${title} is refused, and nothing changes`, () => {
      using world = freshWorld();
      const { prevResult } = machine(world, "vm0", "10.7.0.9/24");
      world.host.ip("link", "add", "br0", "type", "bridge");
      world.host.ip("link", "set", "vm0", "master", "br0");
      const netns = world.netns();
      const before = world.snapshot(netns);
      const { json } = world.call("ADD", { ...world.network(change), prevResult }, { netns });
      assert.equal(json.code, 7);
      assert.match(json.msg, says);
      assert.deepEqual(world.snapshot(netns), before);
    });

  it("that does not exist, the error names it", () => {
    using world = freshWorld();
    const prevResult = { cniVersion: "1.1.0", interfaces: [{ name: "vm7" }], ips: [] };
    const config = { ...world.network({ ipam: {}, isDefaultGateway: false }), prevResult };
    const { json } = world.call("ADD", config, { netns: world.netns() });
    assert.equal(json.code, 7);
    assert.match(json.msg, /vm7/);
  });
});
