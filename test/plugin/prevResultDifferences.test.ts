/** CHECK with a `prevResult` other than the result of ADD. The kernel is as ADD left it, unless a test changes it. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { cable, type Netns, run } from "../support/sandbox.ts";
import { dualStack, freshWorld, type World } from "../support/world.ts";

// biome-ignore lint/suspicious/noExplicitAny: a result of ADD, to be spoilt.
type Told = any;
type Spoil = (told: Told, pod: Netns) => unknown;

const full = { ipMasq: true, ipam: { ...dualStack, routes: [{ dst: "10.50.0.0/16" }] } };

function checked(spoil: Spoil, change: object = full) {
  using world = freshWorld();
  const netns = world.netns();
  const config = world.network(change);
  const prevResult = structuredClone(world.must("ADD", config, { netns }));
  spoil(prevResult, netns);
  return world.call("CHECK", { ...config, prevResult }, { netns });
}

describe("CHECK of a result", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat");
  });

  const faults: Record<string, [Spoil, RegExp]> = {
    "whose interface of the container has another name": [
      (told) => (told.interfaces[2].name = "eth7"),
      /interface eth0 with its sandbox in prevResult is missing/,
    ],
    "whose sandbox is another namespace": [
      (told) => (told.interfaces[2].sandbox = "/proc/self/ns/net"),
      /sandbox of eth0 in prevResult: expected \S+, found \/proc\/self\/ns\/net/,
    ],
    "whose sandbox is nothing": [
      (told) => (told.interfaces[2].sandbox = "/run/netns/unknown"),
      /sandbox of eth0 in prevResult: expected \S+, found \/run\/netns\/unknown/,
    ],
    "whose end on the host has another name": [
      (told) => (told.interfaces[1].name = "veth0"),
      /interface nsv\w+ of the host in prevResult is missing/,
    ],
    "whose end on the host has another hardware address": [
      (told) => (told.interfaces[1].mac = "02:00:00:00:00:01"),
      /mac of nsv\w+ in prevResult: expected 0a:59:\S+, found 02:00:00:00:00:01/,
    ],
    "whose bridge is another": [
      (told) => (told.interfaces[0].name = "br7"),
      /interface br0 of the host in prevResult is missing/,
    ],
    "without interfaces": [(told) => (told.interfaces = []), /interface eth0 with its sandbox in prevResult/],
    "that leaves interfaces out": [(told) => delete told.interfaces, /interface eth0 with its sandbox in prevResult/],
    "with another IPv4 gateway": [
      (told) => (told.ips[0].gateway = "10.7.0.99"),
      /gateway of 10\.7\.0\.2\/24 in prevResult: expected 10\.7\.0\.1, found 10\.7\.0\.99/,
    ],
    "with another IPv6 gateway": [
      (told) => (told.ips[1].gateway = "fd07::99"),
      /gateway of fd07::2\/64 in prevResult: expected fd07::1, found fd07::99/,
    ],
    "with a route that is not there": [
      (told) => told.routes.push({ dst: "10.99.0.0/16", gw: "10.7.0.1" }),
      /route 10\.99\.0\.0\/16 via 10\.7\.0\.1 of prevResult in the container is missing/,
    ],
    "with a route that leads elsewhere": [
      (told, pod) => {
        told.routes.push({ dst: "fd99::/64", gw: "fd07::5" });
        pod.ip("-6", "route", "add", "fd99::/64", "via", "fd07::6");
      },
      /route fd99::\/64 via fd07::5 of prevResult in the container is missing/,
    ],
    "with another address": [(told) => told.ips.push({ address: "10.7.0.98/24", interface: 2 }), /10\.7\.0\.98\/24/],
  };
  for (const [title, [spoil, says]] of Object.entries(faults)) {
    it(`${title} fails`, () => {
      const { code, json, stdout } = checked(spoil);
      assert.deepEqual([code, json?.code], [1, 101], stdout);
      assert.match(json.msg, says);
    });
  }

  const harmless: Record<string, [Spoil, object?]> = {
    "as ADD answered it": [() => {}],
    "whose sandbox is another path of the namespace": [
      (told, pod) => {
        run(["touch", `/run/${pod.name}`]);
        run(["mount", "--bind", pod.path, `/run/${pod.name}`]);
        told.interfaces[2].sandbox = `/run/${pod.name}`;
      },
    ],
    "with a route that a later plugin made, in a table of its own": [
      (told, pod) => {
        told.routes.push({ dst: "10.99.0.0/16", gw: "10.7.0.9" });
        pod.ip("route", "add", "10.99.0.0/16", "via", "10.7.0.9", "table", "100");
      },
    ],
    "with an interface that a later plugin made": [
      (told, pod) => told.interfaces.push({ name: "net1", mac: "02:00:00:00:00:01", sandbox: pod.path }),
    ],
    "without its routes, which a later plugin took": [(told) => delete told.routes],
    "of a network without a gateway": [() => {}, { isDefaultGateway: false }],
    "of a network without addresses": [() => {}, { isDefaultGateway: false, ipam: {} }],
  };
  for (const [title, [spoil, change]] of Object.entries(harmless)) {
    it(`${title} succeeds`, () => {
      const { code, stdout } = checked(spoil, change);
      assert.deepEqual([stdout, code], ["", 0]);
    });
  }
});

describe("CHECK of a result by a plugin under another name:", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  function called(world: World, type: string) {
    const plugin = join(world.dataDir, "..", type);
    symlinkSync(nsNet, plugin);
    return { plugin, netns: world.netns() };
  }

  it("host-local reports an address of its subnet that it never gave, and no other", () => {
    using world = freshWorld();
    const call = called(world, "host-local");
    const config = world.network({ type: "bridge", ipam: { type: "host-local", subnet: "10.7.0.0/24" } });
    const prevResult = world.must("ADD", config, call);
    world.must("CHECK", { ...config, prevResult }, call);
    const withMore = (address: string) => ({ ...prevResult, ips: [...prevResult.ips, { address }] });
    world.must("CHECK", { ...config, prevResult: withMore("192.0.2.7/24") }, call);
    for (const told of [withMore("10.7.0.99/24"), { ...prevResult, ips: [{ address: "10.7.0.99/24" }] }]) {
      const { json } = world.call("CHECK", { ...config, prevResult: told }, call);
      assert.equal(json.code, 101);
      assert.match(json.msg, /expected .*10\.7\.0\.99\/24.*, found 10\.7\.0\.2\/24/);
    }
  });

  it("macvlan and host-device report an interface and a sandbox that are not theirs", function () {
    needs(this, "macvlan");
    for (const [type, more] of [
      ["macvlan", { master: "up0" }],
      ["host-device", { device: "up0" }],
    ] as const) {
      using world = freshWorld();
      const call = called(world, type);
      cable({ ns: world.host, ifname: "up0" }, { ns: world.netns("outside"), ifname: "far0" });
      const config = world.network({ type, bridge: undefined, isDefaultGateway: undefined, ...more });
      const prevResult = world.must("ADD", config, call);
      world.must("CHECK", { ...config, prevResult }, call);
      for (const wrong of [{ name: "eth7" }, { sandbox: "/run/netns/unknown" }]) {
        const told = { ...prevResult, interfaces: [{ ...prevResult.interfaces[0], ...wrong }] };
        const { json } = world.call("CHECK", { ...config, prevResult: told }, call);
        assert.equal(json.code, 101);
        assert.match(json.msg, /eth0/);
      }
    }
  });
});
