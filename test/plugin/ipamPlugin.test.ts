/** host-local and static called by hand or by any plugin, without a namespace, as in the reference's documentation. */
import { Database } from "bun:sqlite";
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { freshWorld, type World } from "../support/world.ts";
import { assertRefused } from "./refused.ts";

function caller(world: World, name: string) {
  const plugin = join(world.dataDir, "..", name);
  symlinkSync(nsNet, plugin);
  const { dataDir } = world;
  const config = (ipam: object) => ({
    cniVersion: "0.3.1",
    name: "examplenet",
    dataDir,
    ipam: { type: name, ...ipam },
  });
  return { config, call: { plugin, netns: "/dev/null", container: "example", ifname: "dummy0" } };
}

/** Room for two containers. */
const tiny = { ranges: [[{ subnet: "203.0.113.0/29", rangeStart: "203.0.113.2", rangeEnd: "203.0.113.3" }]] };

describe("An IPAM called without a namespace", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  for (const [name, ipam] of [
    ["host-local", { ranges: [[{ subnet: "203.0.113.0/24" }]] }],
    ["static", { addresses: [{ address: "203.0.113.2/24" }] }],
  ] as const) {
    it(`${name} gives an address, the same for a second ADD, and frees it`, () => {
      using world = freshWorld();
      const { config, call } = caller(world, name);
      const result = world.must("ADD", config(ipam), call);
      assert.equal(result.ips[0].address, "203.0.113.2/24");
      assert.deepEqual(world.must("ADD", config(ipam), call), result);
      world.must("CHECK", { ...config(ipam), cniVersion: "1.0.0" }, call);
      world.must("DEL", config(ipam), call);
      assert.deepEqual(world.leases(), []);
      world.must("ADD", config(ipam), { ...call, netns: "/run/netns/no-such-name" });
    });
  }

  it("its lease never counts as dead: for a full pool, after a boot, for gc; a killed call frees it", () => {
    using world = freshWorld();
    const { config, call } = caller(world, "host-local");
    const add = (container: string) => world.call("ADD", config(tiny), { ...call, container });
    const rewrite = (sql: string) => {
      using database = new Database(join(world.dataDir, "ns-net.sqlite"), { readwrite: true });
      database.run(sql);
    };
    const gone = world.netns();
    world.must("ADD", config(tiny), { ...call, container: "c1" });
    world.must("ADD", config(tiny), { ...call, container: "c2", netns: gone });
    gone[Symbol.dispose]();
    rewrite("UPDATE attachment SET netns_inode = '1' WHERE container = 'c2'"); // or another test may get its inode
    assert.equal(add("c3").json.ips[0].address, "203.0.113.3/29", "the lease of the namespace that is gone");
    assertRefused(add("c4"), 11, /2 of 2 in use/);
    rewrite("UPDATE attachment SET boot_id = 'earlier'");
    assertRefused(add("c4"), 11, /2 of 2 in use/);
    const { CNI_COMMAND: _, ...env } = process.env;
    const cli = (...words: string[]) =>
      Bun.spawnSync(world.host.inside([nsNet, ...words, "--data-dir", world.dataDir]), { env }).stdout.toString();
    assert.match(cli("gc"), /Nothing to remove/);
    assert.deepEqual(
      JSON.parse(cli("ls", "--json")).map(({ state }: { state: string }) => state),
      ["attached", "attached"],
    );
    rewrite("UPDATE attachment SET state = 'adding', pid = 8388608 WHERE container = 'c1'");
    assert.equal(add("c4").json.ips[0].address, "203.0.113.2/29");
    world.must("GC", { ...config(tiny), cniVersion: "1.1.0", "cni.dev/valid-attachments": [] }, call);
    assert.deepEqual(world.leases(), []);
  });

  it("refuses the caller's own namespace", () => {
    using world = freshWorld();
    const { config, call } = caller(world, "host-local");
    assertRefused(world.call("ADD", config(tiny), { ...call, netns: "/proc/self/ns/net" }), 8);
  });
});
