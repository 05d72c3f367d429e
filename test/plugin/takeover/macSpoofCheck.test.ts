/** macspoofchk of the reference's pods, deleted by ns-net. Witness: `nft`. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import { freshWorld, type World } from "../../support/world.ts";

const environment = { PATH: process.env.PATH! };

describe("Taking over a live node, of the reference's macspoofchk", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft bridge", "reference plugins");
  });

  const config = (world: World, last: number) => ({
    ...{ cniVersion: "1.0.0", name: "lan", type: "bridge", bridge: "br0", macspoofchk: true, dataDir: world.dataDir },
    ipam: { type: "static", addresses: [{ address: `10.7.0.${last}/24` }] },
  });

  function ready() {
    const world = freshWorld();
    const ours = join(world.dataDir, "../bridge");
    symlinkSync(nsNet, ours);
    const start = (container: string, last: number) => {
      const netns = world.netns();
      const at = { netns, container, environment };
      const prevResult = world.must("ADD", config(world, last), { ...at, plugin: join(referencePlugins, "bridge") });
      return { at: { ...at, plugin: ours }, prevResult, config: config(world, last) };
    };
    /** The objects of a container in the table, as nft prints them. */
    const checks = (container: string) =>
      world.host
        .nft("list", "table", "bridge", "nat")
        .split("\n")
        .filter((line) => line.includes(`cni-br-iface-${container}-`));
    return { world, start, checks };
  }

  for (const told of ["the result", "its namespace alone", "a namespace that is gone", "nothing"]) {
    it(`DEL with ${told} removes its chains and the jump to them, and no others`, () => {
      const { world, start, checks } = ready();
      using _ = world;
      const [first, second] = [start("r1", 2), start("r11", 3)];
      world.host.nft("add", "rule", "bridge", "nat", "PREROUTING", "iifname", '"other"', "accept");
      const others = checks("r11");
      assert.equal(checks("r1").length, 4);
      if (told === "a namespace that is gone" || told === "nothing") first.at.netns[Symbol.dispose]();
      const at = { ...first.at, ...(told === "nothing" && { netns: "" }) };
      const more = told === "the result" ? { prevResult: first.prevResult } : {};
      world.must("DEL", first.config, { ...first.at, ifname: "eth1", netns: "" });
      assert.equal(checks("r1").length, 4);
      world.must("DEL", { ...first.config, ...more }, at);
      assert.deepEqual(checks("r1"), []);
      assert.deepEqual(checks("r11"), others);
      assert.match(world.host.nft("list", "table", "bridge", "nat"), /iifname "other" accept/);
      world.must("DEL", { ...first.config, ...more }, at);
      world.must("DEL", { ...second.config, prevResult: second.prevResult }, second.at);
      assert.deepEqual(checks("r11"), []);
    });
  }

  it("is not searched under a name that no chain can have", () => {
    const { world } = ready();
    using _ = world;
    const at = { container: "c".repeat(255), netns: "", plugin: join(world.dataDir, "../bridge") };
    world.must("DEL", config(world, 2), at);
  });
});
