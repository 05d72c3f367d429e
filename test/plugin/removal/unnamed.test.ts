/**
 * DEL with bytes that are no configuration. The store is the default one, so a temporary one is mounted over /var/lib.
 * Witnesses: `ip`, `nft`, SQLite.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, type Netns, run } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const store = "/var/lib/ns-net";
const names = (ns: Netns): string[] => ns.ip("link").map(({ ifname }) => ifname);
const rows = (table: string) =>
  existsSync(`${store}/ns-net.sqlite`)
    ? run(["sqlite3", `${store}/ns-net.sqlite`, `SELECT count(*) FROM ${table}`])
    : "";

const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];

/** The configuration uses the default store, and has ports, so that there are rules to remove. */
const config = (world: World, change: object = {}) => {
  const { dataDir: _, ...own } = world.network({ runtimeConfig: { portMappings } }) as { dataDir: string };
  return { ...own, ...change };
};

const kinds: readonly (readonly [string, (world: World) => string | Uint8Array])[] = [
  ["empty", () => ""],
  ["white space", () => " \n"],
  ["garbage", () => "\u0000\u0001 {{{ no JSON"],
  ["no UTF-8", () => Uint8Array.of(0xff, 0xfe, 0xc0, 0x80)],
  ["a list", () => "[1, 2]"],
  ["an object without a name", (world) => JSON.stringify(config(world, { name: undefined }))],
  ["an object whose name cannot be one", (world) => JSON.stringify(config(world, { name: "../etc" }))],
  ["cut off", (world) => JSON.stringify(config(world)).slice(0, 40)],
  ["20 MB of garbage", () => "x".repeat(20_000_000)],
  ["20 MB of a configuration", (world) => JSON.stringify(config(world, { more: "x".repeat(20_000_000) }))],
  ["nested a thousand times", (world) => `${JSON.stringify(config(world)).slice(0, -1)},"a":${"[".repeat(1000)}`],
];

describe("DEL whose standard input is", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
    run(["mount", "-t", "tmpfs", "tmpfs", "/var/lib"]);
  });
  after(() => {
    Bun.spawnSync(["umount", "/var/lib"]);
  });
  beforeEach(() => rmSync(store, { recursive: true, force: true }));

  for (const [title, stdinOf] of kinds) {
    for (const isLost of [false, true]) {
      it(`${title} removes everything with the attachment's name${isLost ? ", with the store lost" : ""}`, () => {
        using world = freshWorld();
        const [netns, other] = [world.netns(), world.netns()];
        world.must("ADD", config(world), { netns });
        world.must("ADD", config(world, { runtimeConfig: {} }), { netns: other, container: "c2" });
        if (isLost) rmSync(store, { recursive: true });
        const { code, stdout } = world.call("DEL", stdinOf(world), { netns });
        assert.deepEqual([code, stdout], [0, ""]);
        assert.deepEqual([names(netns), names(other)], [["lo"], ["lo", "eth0"]]);
        assert.doesNotMatch(world.host.nft("--stateless", "list", "ruleset"), /8080/);
        if (!isLost) assert.deepEqual([rows("attachment"), rows("lease"), rows("port")], ["1\n", "1\n", "0\n"]);
      });
    }
  }

  it("closed removes it, too, and succeeds without an attachment", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", config(world), { netns });
    const env = `CNI_COMMAND=DEL CNI_CONTAINERID=c1 CNI_IFNAME=eth0 CNI_NETNS=${netns.path} CNI_PATH=/usr/lib/cni`;
    for (const _ of [1, 2]) world.host.run("sh", "-c", `${env} "$0" <&-`, nsNet);
    assert.deepEqual([names(netns), rows("attachment")], [["lo"], "0\n"]);
  });

  it("garbage after an ADD that was refused for the same bytes changes nothing and creates no store", () => {
    using world = freshWorld();
    const netns = world.netns();
    const before = world.snapshot(netns);
    assert.equal(world.call("ADD", "{{{", { netns }).json.code, 6);
    assert.equal(world.call("DEL", "{{{", { netns }).code, 0);
    assert.deepEqual(world.snapshot(netns), before);
    assert.equal(existsSync(store), false);
  });

  it("garbage removes the attachments of every network under that name, and not those of another interface", () => {
    using world = freshWorld();
    const [one, two] = [world.netns(), world.netns()];
    world.must("ADD", config(world), { netns: one });
    world.must("ADD", config(world, { name: "other", runtimeConfig: {} }), { netns: two });
    world.must("ADD", config(world, { runtimeConfig: {} }), { netns: one, ifname: "net1" });
    assert.equal(world.call("DEL", "no", { netns: one }).code, 0);
    assert.deepEqual([names(one), names(two), rows("attachment")], [["lo", "net1"], ["lo"], "1\n"]);
  });

  it("garbage undoes what a chained plugin did, and only that", () => {
    using world = freshWorld();
    const netns = world.netns();
    const folder = mkdtempSync(join(tmpdir(), "ns-net-unnamed-"));
    const plugin = join(folder, "portmap");
    symlinkSync(nsNet, plugin);
    const own = config(world, { runtimeConfig: {} });
    const prevResult = world.must("ADD", own, { netns });
    world.must(
      "ADD",
      { ...own, ipam: undefined, type: "portmap", prevResult, runtimeConfig: { portMappings } },
      { netns, plugin },
    );
    assert.match(world.host.nft("--stateless", "list", "ruleset"), /8080/);
    assert.equal(world.call("DEL", "no", { netns, plugin }).code, 0);
    assert.doesNotMatch(world.host.nft("--stateless", "list", "ruleset"), /8080/);
    assert.deepEqual([names(netns), rows("attachment"), rows("chained")], [["lo", "eth0"], "1\n", "0\n"]);
    rmSync(folder, { recursive: true });
  });

  it("garbage sets the loopback interface down", () => {
    using world = freshWorld();
    const netns = world.netns();
    const folder = mkdtempSync(join(tmpdir(), "ns-net-unnamed-"));
    const plugin = join(folder, "loopback");
    symlinkSync(nsNet, plugin);
    assert.equal(world.call("DEL", "no", { netns, plugin, ifname: "lo" }).code, 0);
    assert.ok(!netns.ip("link", "show", "lo")[0].flags.includes("UP"));
    rmSync(folder, { recursive: true });
  });

  for (const isLost of [false, true]) {
    it(`garbage finds a macvlan in its namespace${isLost ? ", with the store lost" : ""}`, function () {
      needs(this, "macvlan");
      using world = freshWorld();
      const netns = world.netns();
      cable({ ns: world.host, ifname: "up0" }, { ns: world.netns("outside"), ifname: "far0" });
      const own = config(world, { type: "macvlan", master: "up0", bridge: undefined, runtimeConfig: {} });
      world.must("ADD", own, { netns });
      if (isLost) rmSync(store, { recursive: true });
      assert.equal(world.call("DEL", "no", { netns }).code, 0);
      assert.deepEqual(names(netns), ["lo"]);
      if (!isLost) assert.equal(rows("attachment"), "0\n");
    });
  }
});
