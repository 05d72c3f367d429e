/**
 * VLANs of a bridge. Witnesses: `bridge vlan`, `ip`, pings. Tests that this kernel cannot run are skipped with a
 * message.
 */
import assert from "node:assert/strict";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "../../conf/fault.ts";
import { parseNetwork } from "../../conf/parse.ts";
import type { Lease } from "../../ipam/ipam.ts";
import { bridge } from "../../plan/interface/bridge.ts";
import type { PlanInput } from "../../plan/plan.ts";
import { resultOf } from "../../plan/result.ts";
import { vlanParts } from "../../plan/vlan.ts";
import { needs, needsLack } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { type Netns, run } from "../support/sandbox.ts";
import { freshWorld, ranges, type World } from "../support/world.ts";

const hears = (from: Netns, to: string) => {
  try {
    return / 1 received/.test(from.run("ping", "-c1", "-W0.5", to));
  } catch {
    return false;
  }
};

/** The VLANs of a port as `bridge` prints them: `100 PVID Egress Untagged`. */
const vlansOf = (world: World, port: string): string[] => {
  const [of] = JSON.parse(run(world.host.inside(["bridge", "-compressvlans", "-j", "vlan", "show", "dev", port])));
  return of.vlans.map(({ vlan, vlanEnd = vlan, flags = [] }: { vlan: number; vlanEnd?: number; flags?: string[] }) =>
    [vlan === vlanEnd ? vlan : `${vlan}-${vlanEnd}`, ...flags].join(" "),
  );
};

const inVlan = (world: World, change: object) => world.network({ isDefaultGateway: false, ...change });

describe("VLANs of a bridge", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "vlan filtering");
  });

  function attached(world: World, change: object, container: string) {
    const netns = world.netns();
    const config = inVlan(world, change);
    const prevResult = world.must("ADD", config, { netns, container });
    world.must("CHECK", { ...config, prevResult }, { netns, container });
    return { netns, config, port: prevResult.interfaces.at(1).name as string };
  }

  it("connect the containers of one, and separate those of others", () => {
    using world = freshWorld();
    const [a, b] = ["a", "b"].map((name) => attached(world, { vlan: 100 }, name));
    const c = attached(world, { vlan: 200 }, "c");
    const d = attached(world, {}, "d");
    assert.deepEqual(vlansOf(world, a!.port), ["100 PVID Egress Untagged"]);
    assert.ok(hears(b!.netns, "10.7.0.2"));
    for (const { netns } of [c, d]) assert.ok(!hears(netns, "10.7.0.2"));
  });

  it("are trunked, with a native one or the default one, which stays on request", () => {
    using world = freshWorld();
    const vlanTrunk = [{ id: 101 }, { minID: 200, maxID: 210 }];
    const native = " PVID Egress Untagged";
    for (const [change, expected] of [
      [{ vlanTrunk }, [`1${native}`, "101", "200-210"]],
      [{ vlanTrunk, vlan: 100 }, [`100${native}`, "101", "200-210"]],
      [{ vlan: 100, preserveDefaultVlan: true }, ["1 Egress Untagged", `100${native}`]],
    ] as const) {
      const { port, config } = attached(world, change, "c1");
      assert.deepEqual(vlansOf(world, port), expected);
      world.must("DEL", config, { netns: "" });
    }
  });

  it("have a gateway each, which is removed with the bridge", () => {
    using world = freshWorld();
    const config = (vlan: number) =>
      world.network({ name: `v${vlan}`, vlan, ipam: ranges(`10.${vlan}.0.0/24`, `fd${vlan}::/64`) });
    for (const vlan of [10, 20]) {
      const netns = world.netns();
      world.must("ADD", config(vlan), { netns });
      assert.ok(hears(netns, `10.${vlan}.0.1`));
      assert.ok(hears(netns, `fd${vlan}::1`));
    }
    assert.equal(world.host.ip("address", "show", "br0.10")[0].addr_info[0].local, "10.10.0.1");
    for (const [vlan, left] of [
      [10, ["br0.20"]],
      [20, []],
    ] as const) {
      world.must("DEL", config(vlan), { netns: "" });
      world.must("GC", { ...config(vlan), "cni.dev/valid-attachments": [] });
      const names: string[] = world.host.ip("link").map(({ ifname }) => ifname);
      assert.deepEqual(
        names.filter((name) => name.startsWith("br0.")),
        left,
      );
      if (vlan === 20) assert.deepEqual(names, ["lo"]);
    }
  });

  it("are filtered at their gateway, also by a chained firewall", () => {
    using world = freshWorld();
    const firewall = join(world.dataDir, "../firewall");
    symlinkSync(nsNet, firewall);
    const [inside, other] = [world.netns(), world.netns()];
    const config = world.network({ name: "v10", vlan: 10, ipam: ranges("10.10.0.0/24") });
    const prevResult = world.must("ADD", config, { netns: inside });
    world.must("ADD", world.network({ bridge: "br1", name: "other" }), { netns: other, container: "other" });
    assert.ok(hears(other, "10.10.0.2"));
    const guarded = { ...config, type: "firewall", ingressPolicy: "same-bridge", prevResult };
    world.must("ADD", guarded, { netns: inside, plugin: firewall });
    assert.ok(!hears(other, "10.10.0.2"));
    assert.ok(hears(inside, "10.7.0.2"));
    world.must("DEL", guarded, { netns: inside, plugin: firewall });
    assert.ok(hears(other, "10.10.0.2"));
  });

  it("are turned on for an existing bridge, unless a port of it would be disconnected", () => {
    using world = freshWorld();
    const before = world.netns();
    world.must("ADD", world.network(), { netns: before, container: "before" });
    assert.ok(hears(before, "10.7.0.1"));
    attached(world, { vlan: 100, name: "later", ipam: ranges("10.8.0.0/24") }, "later");
    assert.ok(hears(before, "10.7.0.1"));
    world.host.ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "0");
    const [port] = world.rows().map(({ host_link }) => host_link);
    world.host.run("bridge", "vlan", "del", "vid", "1", "dev", port!);
    const { json } = world.call("ADD", inVlan(world, { vlan: 100 }), { netns: world.netns(), container: "refused" });
    assert.equal(json.code, 7);
    assert.match(json.msg, new RegExp(`would disconnect ${port}`));
    world.host.run("sh", "-c", /first: (.*?); or/.exec(json.details)![1]!);
    attached(world, { vlan: 100 }, "accepted");
  });
});

describe("A VLAN", () => {
  it("is refused on a kernel whose bridges cannot filter, and nothing is left", function () {
    needs(this, "ns-net", "bridge");
    needsLack(this, "vlan filtering");
    using world = freshWorld();
    const netns = world.netns();
    for (const isPresent of [false, true]) {
      if (isPresent) world.host.ip("link", "add", "br0", "type", "bridge");
      const before = world.snapshot(netns);
      for (const [change, says] of [
        [{ vlan: 100 }, /vlan = 100/],
        [{ vlanTrunk: [{ id: 7 }] }, /vlanTrunk = /],
      ] as const) {
        const { json } = world.call("ADD", inVlan(world, change), { netns });
        assert.equal(json.code, 2);
        assert.match(json.msg, says);
        assert.match(json.details, /CONFIG_BRIDGE_VLAN_FILTERING/);
        assert.deepEqual(world.snapshot(netns), before);
      }
    }
  });

  it("is printed as the commands that create it", function () {
    needs(this, "ns-net", "bridge");
    using world = freshWorld();
    const file = join(world.dataDir, "../network.json");
    writeFileSync(file, JSON.stringify(world.network({ vlan: 100, vlanTrunk: [{ minID: 200, maxID: 210 }] })));
    const printed = run(world.host.inside([nsNet, "add", "web-vlan", "--network", file, "--dry-run"]));
    for (const line of [
      /^ip link add br0 .* type bridge vlan_filtering 1$/m,
      /^ip link add (nsg\w+) .* type veth peer name br0\.100 .*\nip link set \1 master br0\nbridge vlan add vid 100 dev \1 pvid untagged\nbridge vlan del vid 1 dev \1$/m,
      /^ip address add 10\.7\.0\.1\/24 brd \+ dev br0\.100$/m,
      /^bridge vlan add vid 200-210 dev (nsv\w+)\nbridge vlan add vid 100 dev \1 pvid untagged\nbridge vlan del vid 1 dev \1$/m,
    ])
      assert.match(printed, line);
  });

  it("has its gateway after the container's interface in the result, and the addresses belong to the latter", () => {
    const given = { name: "n", cniVersion: "1.1.0", type: "ns-net", bridge: "br0", vlan: 7, isGateway: true };
    const config = parseNetwork({ ...given, subnet: "10.9.0.0/24" });
    const lease: Lease = { addresses: [{ address: "10.9.0.2/24", gateway: "10.9.0.1" }], routes: [], made: true };
    const attachment = { network: "n", container: "web", ifname: "eth0" };
    const vlan = { defaultVlan: 1, unready: [], gatewayLink: "br0.7" };
    const facts = { interfaceMtu: 1500, bridge: undefined, isIfnameTaken: false, vlan };
    const made = bridge.plan({ attachment, netns: "/run/netns/web", config, lease, facts });
    assert.deepEqual(made.interfaces.at(-1), { name: "br0.7", mac: "0a:58:0a:09:00:01" });
    assert.deepEqual(
      resultOf(config, made, lease).ips.map(({ interface: index }) => index),
      [2],
    );
  });

  it("is refused with a cure if other ports of the bridge would be disconnected", () => {
    const config = parseNetwork({ name: "n", cniVersion: "1.1.0", type: "ns-net", bridge: "br0", vlan: 7 });
    const facts = { defaultVlan: 1, unready: ["eth1", "br0"] };
    assert.throws(
      () => vlanParts({ config } as unknown as PlanInput, facts),
      (fault: Fault) => {
        assert.equal(fault.code, 7);
        assert.match(fault.message, /vlan = 7.*would disconnect eth1, br0/);
        assert.match(
          fault.cure(),
          /bridge vlan add vid 1 dev eth1 pvid untagged; bridge vlan add vid 1 dev br0 pvid untagged self/,
        );
        return true;
      },
    );
  });
});
