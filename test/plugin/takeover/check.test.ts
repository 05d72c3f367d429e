/** CHECK by ns-net of pods that the reference created without host-local: only prevResult shows them. Witness: `ip`. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { type Need, needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import type { Netns } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const environment = { PATH: process.env.PATH! };
const ipam = {
  type: "static",
  addresses: [
    { address: "10.7.0.2/24", gateway: "10.7.0.1" },
    { address: "fd07::2/64", gateway: "fd07::1" },
  ],
};

const kinds: readonly [what: string, config: { type: string; ipam: object }, need: Need][] = [
  ["bridge", { type: "bridge", ipam }, "bridge"],
  ["bridge without addresses", { type: "bridge", ipam: {} }, "bridge"],
  ["ptp", { type: "ptp", ipam }, "bridge"],
  ["macvlan", { ...{ type: "macvlan", ipam }, ...{ master: "up0" } }, "macvlan"],
  ["host-device", { ...{ type: "host-device", ipam }, ...{ device: "up0" } }, "bridge"],
];

describe("Taking over a live node, CHECK of what only prevResult shows:", () => {
  before(function () {
    needs(this, "ns-net", "ipv6", "reference plugins");
  });

  interface Made {
    readonly world: World;
    readonly netns: Netns;
    /** The host end of the veth. */
    readonly outer: string;
    check(change?: object): string;
  }

  /** Created by the reference, and changed by its tuning. */
  function made(given: { type: string; ipam: object }): Made {
    const world = freshWorld();
    world.host.ip("link", "add", "up0", "type", "veth", "peer", "name", "far0");
    const netns = world.netns();
    netns.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0"); // or the reference waits
    for (const name of ["up0", "far0"]) world.host.ip("link", "set", name, "up");
    const config = { cniVersion: "1.0.0", name: "lan", bridge: "br0", dataDir: world.dataDir, ...given };
    const { type } = config;
    const theirs = (name: string) => ({ netns, plugin: join(referencePlugins, name), environment });
    const first = world.must("ADD", config, theirs(type));
    const { ipam: _, dataDir: __, ...rest } = config;
    const mac = type === "macvlan" ? {} : { mac: "02:00:00:00:00:77" };
    const tuning = { ...rest, type: "tuning", ...mac, mtu: 1400, prevResult: first };
    const prevResult = world.must("ADD", tuning, theirs("tuning"));
    symlinkSync(nsNet, join(world.dataDir, "..", type));
    const ours = { netns, plugin: join(world.dataDir, "..", type) };
    const outer = prevResult.interfaces.find(({ name }: { name: string }) => name.startsWith("veth"))?.name;
    const check = (change = {}) => {
      const { code, json } = world.call("CHECK", { ...config, prevResult, ...change }, ours);
      return code === 0 ? "" : `${json.code} ${json.msg}`;
    };
    return { world, netns, outer, check };
  }

  for (const [what, config, need] of kinds) {
    it(`succeeds for a healthy pod of ${what}, and fails for one that lost something`, function () {
      needs(this, need);
      const { world, netns, outer, check } = made(config);
      using _ = world;
      assert.equal(check(), "");
      if (config.ipam === ipam) {
        netns.ip("address", "del", "10.7.0.2/24", "dev", "eth0");
        assert.match(check(), /^101 .*address 10\.7\.0\.2 of eth0 in the container is missing/);
        netns.ip("address", "add", "10.7.0.2/24", "dev", "eth0");
        assert.equal(check(), "");
      }
      if (outer) {
        netns.ip("link", "set", "eth0", "address", "02:00:00:00:00:78");
        assert.match(check(), /^101 .*mac of link eth0 in the container: expected 02:.*:77, found 02:.*:78/);
        netns.ip("link", "set", "eth0", "address", "02:00:00:00:00:77");
        assert.equal(check(), "");
      }
      if (config.type === "bridge") {
        world.host.ip("link", "set", outer, "nomaster");
        assert.match(check(), /^101 .*master of link veth/);
        world.host.ip("link", "set", outer, "master", "br0");
      }
      if (outer) {
        world.host.ip("link", "set", outer, "address", "02:00:00:00:00:79");
        assert.match(check(), /^101 .*mac of link veth.*found 02:.*:79/);
      }
      netns.ip("link", "set", "eth0", "down"); // before Linux 6.2 the kernel renames no link that is up
      netns.ip("link", "set", "eth0", "name", "eth7");
      netns.ip("link", "set", "eth7", "up");
      assert.match(check(), /^101 /);
      netns.ip("link", "del", "eth7");
      assert.match(check(), /^101 /);
    });
  }

  it("fails for what no result shows", () => {
    const { world, check } = made({ type: "bridge", ipam });
    using _ = world;
    assert.match(check({ prevResult: { cniVersion: "1.0.0", interfaces: [], ips: [] } }), /^101 .*found none/);
  });
});
