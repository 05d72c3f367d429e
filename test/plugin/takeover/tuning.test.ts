/** Changes of the reference's tuning, undone by ns-net. Witness: `ip`. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import type { Netns } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const environment = { PATH: process.env.PATH! };
const change = { mac: "c2:11:22:33:44:55", mtu: 1400, promisc: true, allmulti: true };

describe("Taking over a live node, of interfaces that the reference's tuning changed:", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "reference plugins");
  });

  function ready(): World {
    const world = freshWorld();
    for (const type of ["bridge", "host-device", "tuning"]) symlinkSync(nsNet, join(world.dataDir, "..", type));
    return world;
  }

  const common = { cniVersion: "1.0.0", name: "lan" };
  const bridge = {
    ...common,
    type: "bridge",
    bridge: "br0",
    ipam: { type: "static", addresses: [{ address: "10.7.0.2/24" }] },
  };
  const device = { ...common, type: "host-device", device: "up0" };
  const tuning = { ...common, type: "tuning", ...change };

  const theirs = (netns: Netns, type: string) => ({ netns, plugin: join(referencePlugins, type), environment });
  const ours = (world: World, netns: Netns | string, type: string) => ({
    ...{ netns, plugin: join(world.dataDir, "..", type) },
  });

  function looks(ns: Netns, name = "eth0"): object {
    const [{ address, mtu, txqlen, flags, group, ifalias }] = ns.ip("link", "show", name);
    const [promisc, allmulti] = [flags.includes("PROMISC"), flags.includes("ALLMULTI")];
    return { address, mtu, txqlen, promisc, allmulti, group, ifalias };
  }

  for (const [where, more] of [
    ["/run/cni/tuning", {}],
    ["its own folder", { dataDir: "/run/tuned" }],
  ] as const) {
    it(`DEL restores what ${where} contains`, () => {
      using world = ready();
      const netns = world.netns();
      const file = `${"dataDir" in more ? more.dataDir : "/run/cni/tuning"}/c1_eth0.json`;
      const config = { ...tuning, ...more };
      const prevResult = world.must("ADD", bridge, theirs(netns, "bridge"));
      const before = looks(netns);
      const result = world.must("ADD", { ...config, prevResult }, theirs(netns, "tuning"));
      const { mac: address, mtu, promisc, allmulti } = change;
      assert.deepEqual(looks(netns), { ...before, address, mtu, promisc, allmulti });
      // Newer versions have one more key.
      writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), txQLen: 250 }));
      assert.ok(existsSync(file));
      const tuned = ours(world, netns, "tuning");
      world.must("DEL", { ...config, prevResult: result }, { ...tuned, container: "c2" });
      assert.ok(existsSync(file));
      world.must("DEL", { ...config, prevResult: result }, tuned);
      assert.deepEqual(looks(netns), { ...before, txqlen: 250 });
      assert.equal(existsSync(file), false);
      netns.ip("link", "set", "eth0", "mtu", "1300");
      world.must("DEL", { ...config, prevResult: result }, tuned);
      assert.deepEqual(looks(netns), { ...before, txqlen: 250, mtu: 1300 });
    });
  }

  it("DEL removes the backup of a namespace that is gone, and ignores other files", () => {
    using world = ready();
    const netns = world.netns();
    const prevResult = world.must("ADD", bridge, theirs(netns, "bridge"));
    world.must("ADD", { ...tuning, prevResult }, theirs(netns, "tuning"));
    const file = "/run/cni/tuning/c1_eth0.json";
    netns[Symbol.dispose]();
    world.must("DEL", tuning, ours(world, netns.path, "tuning"));
    assert.equal(existsSync(file), false);
    const other = world.netns();
    world.must("ADD", bridge, theirs(other, "bridge"));
    const before = looks(other);
    for (const text of [
      "",
      "null",
      "[]",
      '{"mac": "c2:11", "mtu": "9", "promisc": 1, "txQLen": -1}',
      '{"mtu": 1e99}',
    ]) {
      writeFileSync(file, text);
      world.must("DEL", tuning, ours(world, other, "tuning"));
      assert.deepEqual(looks(other), before);
    }
  });

  for (const isTold of [true, false]) {
    it(`a host device is returned with its own hardware address and MTU, with${isTold ? "" : "out"} prevResult`, () => {
      using world = ready();
      world.host.run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "far0");
      const before = looks(world.host, "up0");
      const netns = world.netns();
      const prevResult = world.must("ADD", device, theirs(netns, "host-device"));
      const result = world.must("ADD", { ...tuning, prevResult }, theirs(netns, "tuning"));
      assert.equal(result.interfaces[0].mac, change.mac);
      const told = isTold ? { prevResult: result } : { cniVersion: "0.3.1" };
      world.must("DEL", { ...tuning, ...told }, ours(world, netns, "tuning"));
      world.must("DEL", { ...device, name: "elsewhere", ...told }, ours(world, netns, "host-device"));
      assert.equal(netns.ip("link").length, 2);
      world.must("DEL", { ...device, ...told }, ours(world, netns, "host-device"));
      assert.deepEqual(looks(world.host, "up0"), before);
      assert.equal(netns.ip("link").length, 1);
    });
  }
});
