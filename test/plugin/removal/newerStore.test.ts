/**
 * DEL with a store that has the attachment under another name, or that this version cannot read. Witnesses: `ip`,
 * `nft`, SQLite.
 */
import assert from "node:assert/strict";
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { type Netns, run } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const names = (ns: Netns): string[] => ns.ip("link").map(({ ifname }) => ifname);
const sql = (world: World, text: string) => run(["sqlite3", join(world.dataDir, "ns-net.sqlite"), text]).trim();
const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
const ruleset = (world: World) => world.host.nft("--stateless", "list", "ruleset");

describe("DEL with the store of a newer version", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  it("removes link and rules, reports it, and leaves the entry to that version", () => {
    using world = freshWorld();
    const netns = world.netns();
    const config = world.network({ runtimeConfig: { portMappings } });
    world.must("ADD", config, { netns });
    sql(world, "PRAGMA user_version = 99");
    assert.equal(world.call("ADD", config, { netns, container: "c2" }).json.code, 5);
    for (const _ of [1, 2]) {
      const { code, stderr } = world.call("DEL", config, { netns });
      assert.equal(code, 0);
      assert.match(stderr, /newer ns-net wrote it \(schema 99/);
    }
    assert.deepEqual(names(netns), ["lo"]);
    assert.doesNotMatch(ruleset(world), /8080/);
    assert.equal(sql(world, "SELECT container FROM attachment"), "c1");
  });

  it("succeeds for a chained plugin with any standard input", () => {
    using world = freshWorld();
    const netns = world.netns();
    const plugin = join(world.dataDir, "../portmap");
    symlinkSync(nsNet, plugin);
    const prevResult = world.must("ADD", world.network(), { netns });
    const portmap = world.network({ ipam: undefined, type: "portmap", prevResult, runtimeConfig: { portMappings } });
    world.must("ADD", portmap, { netns, plugin });
    sql(world, "PRAGMA user_version = 99");
    world.must("DEL", JSON.stringify({ ...portmap, name: "../no" }), { netns, plugin });
    world.must("DEL", portmap, { netns, plugin });
    assert.doesNotMatch(ruleset(world), /8080/);
    world.must("DEL", world.network(), { netns });
    assert.deepEqual(names(netns), ["lo"]);
  });
});

describe("DEL of names too long for an alias, after a lost store was rebuilt", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  for (const [network, container] of [
    [200, 255],
    [255, 255],
    [255, 4],
  ] as const) {
    it(`removes row and lease: network ${network}, container ${container} characters`, () => {
      using world = freshWorld();
      const [netns, other] = [world.netns(), world.netns()];
      const config = world.network({ name: "n".repeat(network) });
      const long = { netns, container: "c".repeat(container) };
      const { ips } = world.must("ADD", config, long);
      rmSync(world.dataDir, { recursive: true });
      const second = world.must("ADD", config, { netns: other, container: "other" });
      assert.notEqual(second.ips[0].address, ips[0].address);
      assert.equal(sql(world, "SELECT count(*) FROM lease"), "2");
      const valid = [
        { containerID: long.container, ifname: "eth0" },
        { containerID: "other", ifname: "eth0" },
      ];
      world.must("GC", { ...config, "cni.dev/valid-attachments": valid });
      assert.deepEqual(
        [names(netns), names(other)],
        [
          ["lo", "eth0"],
          ["lo", "eth0"],
        ],
      );
      world.must("DEL", config, long);
      assert.deepEqual([names(netns), names(other)], [["lo"], ["lo", "eth0"]]);
      assert.deepEqual(sql(world, "SELECT address FROM lease"), second.ips[0].address.replace("/24", ""));
      assert.equal(sql(world, "SELECT container FROM attachment"), "other");
    });
  }

  it("removes them also if another network's ADD rebuilt the store", () => {
    using world = freshWorld();
    const netns = world.netns();
    const config = world.network({ name: "n".repeat(255) });
    world.must("ADD", config, { netns });
    rmSync(world.dataDir, { recursive: true });
    const elsewhere = world.network({ name: "other", ipam: { type: "ns-net", ranges: [[{ subnet: "10.8.0.0/24" }]] } });
    world.must("ADD", elsewhere, { netns: world.netns(), container: "c2" });
    assert.equal(sql(world, "SELECT count(*) FROM lease"), "2");
    world.must("DEL", config, { netns });
    assert.deepEqual([names(netns), sql(world, "SELECT address FROM lease")], [["lo"], "10.8.0.2"]);
  });
});
