/** The executable under the names of the reference's plugins: loopback, host-local and static, and the bridge's own defaults. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { versions } from "../../conf/version.ts";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { freshWorld, type World } from "../support/world.ts";

/** A folder of links, as an administrator creates it beside the reference's. */
function named(world: World, name: string): string {
  const path = join(world.dataDir, "..", name);
  symlinkSync(nsNet, path);
  return path;
}

describe("Called as loopback", () => {
  before(function () {
    needs(this, "ns-net", "ipv6");
  });

  for (const cniVersion of versions) {
    it(`it brings lo up and reports its addresses, version ${cniVersion}, without a type in the configuration`, () => {
      using world = freshWorld();
      const plugin = named(world, "loopback");
      const netns = world.netns();
      netns.ip("link", "set", "lo", "down");
      const result = world.must("ADD", { cniVersion, name: "cni-loopback" }, { netns, plugin, ifname: "lo" });
      const told = result.ips?.map((one: { address: string }) => one.address) ?? [result.ip4?.ip, result.ip6?.ip];
      assert.deepEqual(told, ["127.0.0.1/8", "::1/128"]);
      assert.match(netns.ip("link", "show", "lo")[0].flags.join(), /UP/);
      world.must("DEL", { cniVersion, name: "cni-loopback" }, { netns, plugin, ifname: "lo" });
      assert.doesNotMatch(netns.ip("link", "show", "lo")[0].flags.join(), /UP/);
      world.must("DEL", { cniVersion, name: "cni-loopback" }, { netns, plugin, ifname: "lo" });
      world.must("DEL", { cniVersion, name: "cni-loopback" }, { netns: "", plugin, ifname: "lo" });
      assert.deepEqual(world.rows(), []);
    });
  }

  it("DEL leaves the caller's own lo up, and succeeds without a namespace", () => {
    using world = freshWorld();
    const plugin = named(world, "loopback");
    world.host.ip("link", "set", "lo", "up");
    for (const netns of ["/proc/self/ns/net", "/dev/null", "/run/netns/no-such-name"]) {
      world.must("DEL", { cniVersion: "1.0.0", name: "n" }, { netns, plugin });
    }
    assert.match(world.host.ip("link", "show", "lo")[0].flags.join(), /UP/);
  });

  it("it passes prevResult on, and CHECK reports when lo is down", () => {
    using world = freshWorld();
    const plugin = named(world, "loopback");
    const netns = world.netns();
    const config = { cniVersion: "1.0.0", name: "n" };
    const prevResult = { cniVersion: "1.0.0", ips: [{ address: "10.1.0.7/24" }], routes: [{ dst: "0.0.0.0/0" }] };
    assert.deepEqual(world.must("ADD", { ...config, prevResult }, { netns, plugin }), prevResult);
    world.must("CHECK", { ...config, prevResult }, { netns, plugin });
    netns.ip("link", "set", "lo", "down");
    assert.match(
      world.call("CHECK", { ...config, prevResult }, { netns, plugin }).json.msg,
      /lo.*expected up, found down/,
    );
  });
});

describe("Called as an IPAM by the reference's bridge", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "reference plugins");
  });

  for (const [name, ipam] of [
    ["host-local", { ranges: [[{ subnet: "10.7.0.0/24" }]], routes: [{ dst: "0.0.0.0/0" }] }],
    ["static", { addresses: [{ address: "10.7.0.2/24", gateway: "10.7.0.1" }], routes: [{ dst: "0.0.0.0/0" }] }],
  ] as const) {
    it(`${name} gives an address, and frees it`, () => {
      using world = freshWorld();
      const folder = join(named(world, name), "..");
      const netns = world.netns();
      const gateway = { isDefaultGateway: false, isGateway: true };
      const config = world.network({ cniVersion: "1.0.0", type: "bridge", ...gateway, ipam: { type: name, ...ipam } });
      const options = {
        netns,
        plugin: "/usr/lib/cni/bridge",
        pluginPath: folder,
        environment: { PATH: process.env.PATH! },
      };
      const result = world.must("ADD", config, options);
      assert.equal(result.ips[0].address, "10.7.0.2/24");
      assert.equal(result.ips[0].gateway, "10.7.0.1");
      assert.deepEqual(world.leases(), ["c1/eth0 10.7.0.2/24"]);
      assert.match(netns.run("ping", "-c1", "-W1", "10.7.0.1"), /1 received/);
      world.must("CHECK", { ...config, prevResult: result }, options);
      world.must("DEL", config, options);
      assert.deepEqual(world.leases(), []);
    });
  }

  it("host-local writes the abbreviated result in every version, with any keys of its caller", () => {
    using world = freshWorld();
    const plugin = named(world, "host-local");
    for (const cniVersion of versions) {
      const config = world.network({ cniVersion, type: "calico", mtu: "auto", bridge: 5, vlan: {} });
      const result = world.must("ADD", config, { netns: world.netns(), plugin, container: `v${cniVersion}` });
      assert.equal(result.cniVersion, cniVersion);
      assert.equal(result.interfaces, undefined);
      assert.ok(result.ip4 ?? result.ips[0].interface === undefined);
    }
    world.must("GC", { ...world.network({ type: "calico" }), "cni.dev/valid-attachments": [] }, { plugin });
    assert.deepEqual(world.leases(), []);
  });
});

describe("CNI_ARGS with an unknown key", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "reference plugins");
  });

  it("is answered as by the reference: tuning refuses it, plugins that read no CNI_ARGS do not", () => {
    const types = ["loopback", "portmap", "firewall", "bandwidth", "tuning", "sbr"];
    const codes = ["/usr/lib/cni", undefined].map((folder) => {
      using world = freshWorld();
      const netns = world.netns();
      const prevResult = world.must("ADD", world.network({ cniVersion: "1.0.0" }), { netns });
      return types.map((type) => {
        const plugin = folder === undefined ? named(world, type) : join(folder, type);
        const config = { cniVersion: "1.0.0", name: "podnet", type, dataDir: world.dataDir, prevResult };
        return world.call("ADD", config, { netns, plugin, args: "FOO=bar", environment: { PATH: process.env.PATH! } })
          .code;
      });
    });
    assert.deepEqual(codes, [
      [0, 0, 0, 0, 1, 0],
      [0, 0, 0, 0, 1, 0],
    ]);
  });
});

describe("Called as bridge", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("it has the reference's defaults: no addresses without ipam, no hairpin", () => {
    using world = freshWorld();
    const plugin = named(world, "bridge");
    const netns = world.netns();
    const { ipam: _, ...config } = world.network({ type: "bridge" }) as { ipam: object };
    const result = world.must("ADD", config, { netns, plugin });
    assert.deepEqual(result.ips, undefined);
    assert.equal(result.interfaces.length, 3);
    const [port] = JSON.parse(world.host.run("bridge", "-d", "-j", "link", "show", "dev", result.interfaces[1].name));
    assert.equal(port.hairpin, false);
    world.must("DEL", config, { netns, plugin });
  });
});
