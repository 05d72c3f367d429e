/** Interfaces of the reference's macvlan, host-device and sbr, deleted by ns-net. Witness: `ip`. */
import assert from "node:assert/strict";
import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type Need, needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import { freshWorld } from "../../support/world.ts";

const names = (links: { ifname: string }[]) => links.map(({ ifname }) => ifname).sort();

describe("Taking over a live node, of interfaces that leave nothing on the host:", () => {
  before(function () {
    needs(this, "ns-net", "reference plugins");
  });

  const kinds: readonly [type: string, more: object, need: Need][] = [
    ["macvlan", { master: "up0" }, "macvlan"],
    ["host-device", { device: "up0" }, "bridge"],
  ];

  for (const [type, more, need] of kinds) {
    it(`DEL of ${type} undoes what the reference did, with its lease, and nothing else`, function () {
      needs(this, need);
      using world = freshWorld();
      for (const name of [type, "host-local"]) symlinkSync(nsNet, join(world.dataDir, "..", name));
      world.host.run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "far0");
      const netns = world.netns();
      const reservations = join(world.dataDir, "../networks");
      const ipam = { type: "host-local", dataDir: reservations, ranges: [[{ subnet: "10.7.0.0/24" }]] };
      const config = { cniVersion: "1.0.0", name: "lan", type, ...more, dataDir: world.dataDir, ipam };
      const theirs = { netns, plugin: join(referencePlugins, type), environment: { PATH: process.env.PATH! } };
      const ours = { netns, plugin: join(world.dataDir, "..", type) };
      const prevResult = world.must("ADD", config, theirs);
      const inner = prevResult.interfaces.at(-1);
      const other = { ...prevResult, interfaces: [{ ...inner, mac: "02:00:00:00:00:09" }] };
      world.must("DEL", { ...config, name: "elsewhere", prevResult: other }, ours);
      assert.deepEqual(names(netns.ip("link")), ["eth0", "lo"]);
      world.must("DEL", { ...config, prevResult }, ours);
      assert.deepEqual(names(netns.ip("link")), ["lo"]);
      assert.deepEqual(names(world.host.ip("link")), ["far0", "lo", "up0"]);
      assert.equal(existsSync(join(reservations, "lan/10.7.0.2")), false);
    });
  }

  it("a chain of the reference's macvlan and sbr is deleted by ours", function () {
    needs(this, "macvlan");
    using world = freshWorld();
    for (const name of ["macvlan", "sbr"]) symlinkSync(nsNet, join(world.dataDir, "..", name));
    world.host.run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "far0");
    world.host.ip("link", "set", "up0", "up");
    const netns = world.netns();
    const ipam = { type: "static", addresses: [{ address: "10.7.0.2/24", gateway: "10.7.0.1" }] };
    const config = { cniVersion: "1.0.0", name: "lan", type: "macvlan", master: "up0", dataDir: world.dataDir, ipam };
    const call = (type: string, folder: string) => {
      return { netns, plugin: join(folder, type), environment: { PATH: process.env.PATH! } };
    };
    const prevResult = world.must("ADD", config, call("macvlan", referencePlugins));
    const { ipam: _, master: __, ...sbr } = { ...config, type: "sbr", prevResult };
    const rules = () => netns.ip("rule").filter(({ src }) => src !== "all").length;
    // The reference opens the namespace's file for locking, which a mount of nsfs does not allow everywhere.
    const { code } = world.call("ADD", sbr, call("sbr", referencePlugins));
    assert.equal(rules(), code === 0 ? 1 : 0);
    for (const type of ["sbr", "macvlan"]) {
      const own = type === "sbr" ? sbr : { ...config, prevResult };
      world.must("DEL", own, call(type, join(world.dataDir, "..")));
    }
    assert.equal(rules(), 0);
    assert.deepEqual(names(netns.ip("link")), ["lo"]);
  });
});
