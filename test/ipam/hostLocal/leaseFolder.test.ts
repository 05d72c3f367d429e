/**
 * `ipam.dataDir`, as users of host-local write it: the folder of our leases. Witnesses: `ip`, SQLite, the reference's
 * bridge.
 */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import { type Netns, run } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const folderOf = (world: World, name: string) => join(world.dataDir, "..", name);
const names = (ns: Netns): string[] => ns.ip("link").map(({ ifname }) => ifname);
const rows = (folder: string) => run(["sqlite3", `${folder}/ns-net.sqlite`, "SELECT container FROM attachment"]).trim();

/** Without another `dataDir`. */
function config(world: World, folder: string | undefined, change: object = {}): object {
  const { dataDir: _, ...own } = world.network() as { dataDir: string };
  const ipam = { type: "host-local", subnet: "10.7.0.0/24", dataDir: folder };
  return { ...own, ipam, ...change };
}

describe("ipam.dataDir", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("is the folder of the leases: networks with different folders may give the same address", () => {
    using world = freshWorld();
    const given = ["one", "two"].map((name) => {
      const [folder, netns] = [folderOf(world, name), world.netns()];
      const own = config(world, folder, { name, bridge: `br-${name}`, isDefaultGateway: false });
      const result = world.must("ADD", own, { netns, container: name });
      world.must("CHECK", { ...own, prevResult: result }, { netns, container: name });
      assert.equal(rows(folder), name);
      return { folder, netns, own, name, address: result.ips[0].address };
    });
    assert.deepEqual(
      given.map(({ address }) => address),
      ["10.7.0.2/24", "10.7.0.2/24"],
    );
    const [one, two] = given;
    world.must("DEL", one!.own, { netns: one!.netns, container: "one" });
    world.must("GC", { ...two!.own, "cni.dev/valid-attachments": [] });
    assert.deepEqual([rows(one!.folder), rows(two!.folder)], ["", ""]);
    assert.deepEqual([names(one!.netns), names(two!.netns)], [["lo"], ["lo"]]);
  });

  it("is named by errors with the reason", () => {
    using world = freshWorld();
    const folder = folderOf(world, "open");
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const open = world.call("ADD", config(world, folder), { netns: world.netns() }).json;
    assert.deepEqual([open.code, open.msg], [5, `Cannot use the folder ${folder}: others may write to it`]);
    const relative = world.call("ADD", config(world, "leases"), { netns: world.netns() }).json;
    assert.deepEqual([relative.code, relative.msg], [7, 'Cannot use ipam.dataDir = "leases"']);
  });

  it("comes after dataDir, and belongs to another IPAM plugin if that gives the address", () => {
    using world = freshWorld();
    const [folder, netns] = [folderOf(world, "unused"), world.netns()];
    world.must("ADD", config(world, folder, { dataDir: world.dataDir }), { netns });
    assert.deepEqual([existsSync(folder), rows(world.dataDir)], [false, "c1"]);
    const delegated = config(world, undefined, {
      ipam: { type: "none-there", dataDir: folder },
      dataDir: world.dataDir,
    });
    assert.equal(world.call("ADD", delegated, { netns: world.netns(), container: "c2" }).json.code, 7);
    assert.equal(existsSync(folder), false);
  });

  it("may be below /var/run, which is a link to /run", () => {
    using world = freshWorld();
    const [name, netns] = [`ns-net-test-${process.pid}`, world.netns()];
    try {
      world.must("ADD", config(world, `/var/run/${name}`), { netns });
      assert.equal(rows(`/run/${name}`), "c1");
      world.must("DEL", config(world, `/var/run/${name}`), { netns });
      assert.equal(rows(`/run/${name}`), "");
    } finally {
      rmSync(`/run/${name}`, { recursive: true, force: true });
    }
  });

  it("is the folder that DEL with a damaged configuration reads, so far as it can", () => {
    using world = freshWorld();
    const [folder, netns] = [folderOf(world, "leases"), world.netns()];
    world.must("ADD", config(world, folder), { netns });
    world.must("DEL", config(world, folder, { name: "../no" }), { netns });
    assert.deepEqual([rows(folder), names(netns)], ["", ["lo"]]);
  });

  it("holds for host-local called by the reference's bridge", function () {
    needs(this, "reference plugins");
    using world = freshWorld();
    const [folder, netns, plugins] = [folderOf(world, "leases"), world.netns(), folderOf(world, "plugins")];
    mkdirSync(plugins);
    symlinkSync(nsNet, join(plugins, "host-local"));
    const own = { ...config(world, folder), type: "bridge", cniVersion: "1.0.0" };
    const call = { netns, plugin: join(referencePlugins, "bridge"), pluginPath: plugins };
    const environment = { PATH: process.env["PATH"] ?? "" };
    assert.equal(world.must("ADD", own, { ...call, environment }).ips[0].address, "10.7.0.2/24");
    assert.equal(rows(folder), "c1");
    world.must("DEL", own, { ...call, environment });
    assert.equal(rows(folder), "");
  });
});
