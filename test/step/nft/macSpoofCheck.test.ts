/** macspoofchk: packets of a container that changed its hardware address are dropped. Witnesses: pings, `nft`. */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { type Netns, run } from "../../support/sandbox.ts";
import { withoutHealing } from "../../support/throughAgent.ts";
import { freshWorld, type World } from "../../support/world.ts";

const elements = (world: World) => {
  const ruleset = world.host.nft("list", "ruleset", "bridge");
  return ruleset.match(/"nsv\w+"[^,}]* comment/g) ?? [];
};

/** The host sends the ping, so that the container has no cached answer. */
const answers = (world: World, address: string) => {
  world.host.ip("neighbour", "flush", "all");
  return Bun.spawnSync(world.host.inside(["ping", "-c1", "-W0.4", address])).exitCode === 0;
};

const addressOf = (netns: Netns): string => netns.ip("link", "show", "eth0")[0].address;

describe("macspoofchk", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft bridge");
  });

  for (const [title, change] of [
    ["alone", {}],
    [
      "with masquerade and a published port",
      { ipMasq: true, runtimeConfig: { portMappings: [{ hostPort: 80, containerPort: 80 }] } },
    ],
  ] as const) {
    it(`drops packets from an address that is not the container's (${title})`, () => {
      using world = freshWorld();
      const config = world.network({ macspoofchk: true, ...change });
      const [netns, open] = [world.netns(), world.netns()];
      const prevResult = world.must("ADD", config, { netns });
      world.must("ADD", world.network(), { netns: open, container: "open" });
      assert.ok(answers(world, "10.7.0.2"));
      const own = addressOf(netns);
      for (const ns of [netns, open]) ns.ip("link", "set", "eth0", "address", "0a:00:00:00:00:99");
      assert.ok(!answers(world, "10.7.0.2"));
      open.ip("link", "set", "eth0", "address", "0a:00:00:00:00:98");
      assert.ok(answers(world, "10.7.0.3"), "others are not looked at");
      netns.ip("link", "set", "eth0", "address", own);
      assert.ok(answers(world, "10.7.0.2"));
      world.must("CHECK", { ...config, prevResult }, { netns });
    });
  }

  it("is gone after DEL with only the names, also without the store, and after GC", () => {
    using world = freshWorld();
    const config = world.network({ macspoofchk: true });
    world.must("ADD", config, { netns: world.netns(), container: "a" });
    world.must("ADD", config, { netns: world.netns(), container: "b" });
    world.must("ADD", config, { netns: world.netns(), container: "c" });
    assert.equal(elements(world).length, 6);
    world.must(
      "DEL",
      { name: "podnet", cniVersion: "1.1.0", type: "ns-net", dataDir: world.dataDir },
      { container: "a" },
    );
    assert.equal(elements(world).length, 4);
    world.host.run("rm", "-r", world.dataDir);
    world.must(
      "DEL",
      { name: "podnet", cniVersion: "1.1.0", type: "ns-net", dataDir: world.dataDir },
      { container: "b" },
    );
    assert.equal(elements(world).length, 2);
    world.must("GC", { ...config, "cni.dev/valid-attachments": [] });
    assert.deepEqual(elements(world), []);
  });

  it("is compared by CHECK and restored by repair; a new ADD replaces the old address", function () {
    withoutHealing(this);
    using world = freshWorld();
    const config = world.network({ macspoofchk: true });
    const netns = world.netns();
    const prevResult = world.must("ADD", config, { netns });
    for (const damage of [
      "flush ruleset",
      "flush chain bridge ns_net spoofed",
      "flush set bridge ns_net spoof-genuine",
    ]) {
      world.host.nft(damage);
      assert.match(world.call("CHECK", { ...config, prevResult }, { netns }).json.msg, /spoof/);
      run(world.host.inside([nsNet, "repair", "--data-dir", world.dataDir]));
      world.must("CHECK", { ...config, prevResult }, { netns });
    }
    world.host.ip("link", "del", prevResult.interfaces[1].name);
    world.host.run("rm", "-r", world.dataDir);
    world.must("ADD", { ...config, runtimeConfig: { mac: "0a:00:00:00:00:77" } }, { netns });
    assert.equal(elements(world).length, 2);
    assert.match(elements(world).join(), /0a:00:00:00:00:77/);
  });
});
