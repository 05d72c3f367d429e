/** DEL works with whatever is left: it needs only the attachment's name. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { links, type Netns, run } from "../support/sandbox.ts";
import { freshWorld, ourLinks, type Row, type World } from "../support/world.ts";

/** An attached container at DEL: everything as ADD left it, then one odd change. */
function attached(): { world: World; netns: Netns } {
  const world = freshWorld();
  const netns = world.netns();
  world.must("ADD", world.network({ ipMasq: true }), { netns });
  assert.equal(ourLinks(world.host).length, 1);
  return { world, netns };
}

const left = (world: World) => ({ links: ourLinks(world.host), leases: world.leases() });
const nothing = { links: [], leases: [] };

describe("DEL", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  const folder = mkdtempSync(join(tmpdir(), "ns-net-del-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "file"), "no namespace");
  run(["mkfifo", join(folder, "fifo")]);

  for (const [title, netns] of [
    ["CNI_NETNS is not set", undefined],
    ["CNI_NETNS is empty", ""],
    ["the path of the namespace is gone", "/run/netns/was-here-once"],
    ["the path leads through a file", join(folder, "file", "x")],
    ["the path is a regular file", join(folder, "file")],
    ["the path is a FIFO", join(folder, "fifo")],
    ["the path is a folder", folder],
    ["the path is a device", "/dev/null"],
    ["the path is another kind of namespace", "/proc/self/ns/mnt"],
    ["the path is the caller's own namespace", "/proc/self/ns/net"],
    ["the process of the path has ended", "/proc/4194303/ns/net"],
  ] as const) {
    it(`removes link and lease when ${title}`, () => {
      const { world } = attached();
      using _ = world;
      const { code, stdout } = world.call("DEL", world.network(), netns === undefined ? {} : { netns });
      assert.deepEqual([code, stdout, left(world)], [0, "", nothing]);
    });
  }

  it("removes the lease when the namespace was deleted before", () => {
    const { world, netns } = attached();
    using _ = world;
    netns[Symbol.dispose]();
    world.must("DEL", world.network(), { netns });
    assert.deepEqual(left(world), nothing);
  });

  it("removes the container's end too", () => {
    const { world, netns } = attached();
    using _ = world;
    world.must("DEL", world.network(), { netns });
    assert.deepEqual([...links(netns).keys()], ["lo"]);
  });

  it("finds the host end under another name, also beside limits", () => {
    const limits = { egressRate: 8e7, egressBurst: 8e6 };
    for (const [limit, isStoreLost] of [
      [undefined, false],
      [limits, false],
      [limits, true],
    ] as const) {
      using world = freshWorld();
      const config = world.network(limit && { runtimeConfig: { bandwidth: limit } });
      world.must("ADD", config, { netns: world.netns() });
      world.must("ADD", world.network(), { netns: world.netns(), container: "c2" });
      const [one, { host_link: other }] = world.rows() as [Row, Row];
      world.host.ip("link", "set", one.host_link, "down");
      world.host.ip("link", "set", one.host_link, "name", "mine0");
      if (isStoreLost) rmSync(world.dataDir, { recursive: true });
      world.must("DEL", config, { netns: "" });
      const names = world.host.ip("link").map(({ ifname }) => ifname);
      assert.deepEqual(names.sort(), ["br0", "lo", other].sort());
      assert.deepEqual(world.leases(), isStoreLost ? [] : ["c2/eth0 10.7.0.3/24"]);
    }
  });

  it("succeeds twice", () => {
    const { world, netns } = attached();
    using _ = world;
    for (const _ of [1, 2]) world.must("DEL", world.network(), { netns });
    assert.deepEqual(left(world), nothing);
  });

  it("of what was never added succeeds, changes nothing and creates no store", () => {
    using world = freshWorld();
    const netns = world.netns();
    const before = world.snapshot(netns);
    world.must("DEL", world.network(), { netns });
    assert.deepEqual(world.snapshot(netns), before);
    assert.equal(Bun.spawnSync(["test", "-e", world.dataDir]).exitCode, 1);
  });

  it("succeeds after an ADD that failed because its IPAM plugin is not installed; fails if that plugin had given an address", () => {
    using world = freshWorld();
    const [netns, plugins] = [world.netns(), join(world.dataDir, "../plugins")];
    const config = world.network({ ipam: { type: "teller" } });
    assert.equal(world.call("ADD", config, { netns, pluginPath: plugins }).json.code, 7);
    world.must("DEL", config, { netns, pluginPath: plugins });
    mkdirSync(plugins);
    const answer = JSON.stringify({ cniVersion: "1.1.0", ips: [{ address: "10.7.0.50/24" }] });
    writeFileSync(join(plugins, "teller"), `#!/bin/sh\n[ $CNI_COMMAND = ADD ] && echo '${answer}'\nexit 0\n`, {
      mode: 0o755,
    });
    world.must("ADD", config, { netns, pluginPath: plugins });
    rmSync(join(plugins, "teller"));
    assert.equal(world.call("DEL", config, { netns, pluginPath: plugins }).json.code, 7);
    assert.equal(world.rows().length, 1);
  });

  it("succeeds when the folder of the store is gone", () => {
    const { world, netns } = attached();
    using _ = world;
    rmSync(world.dataDir, { recursive: true });
    world.must("DEL", world.network(), { netns });
    assert.deepEqual(left(world), nothing);
  });

  for (const [title, below] of [
    ["below a file", "file"],
    ["below a file that is to be a folder", "file/data"],
    ["with a name that no file can have", "y".repeat(300)],
    ["behind links that lead to each other", "loop/data"],
  ] as const) {
    it(`succeeds after an ADD that was refused because its store would lie ${title}`, () => {
      using world = freshWorld();
      const netns = world.netns();
      mkdirSync(world.dataDir);
      writeFileSync(join(world.dataDir, "file"), "");
      symlinkSync(join(world.dataDir, "loop"), join(world.dataDir, "loop"));
      const before = world.snapshot(netns);
      const dataDir = join(world.dataDir, below);
      for (const config of [world.network({ dataDir }), world.network({ type: "bridge", dataDir })]) {
        const { code, json } = world.call("ADD", config, { netns });
        assert.deepEqual([code, json.code], [1, 5], JSON.stringify(json));
        for (const _ of [1, 2]) world.must("DEL", config, { netns });
      }
      assert.deepEqual(world.snapshot(netns), before);
    });
  }

  it("removes the link, and then fails, if the store is damaged", () => {
    const { world, netns } = attached();
    using _ = world;
    for (const suffix of ["", "-wal", "-shm"]) rmSync(join(world.dataDir, `ns-net.sqlite${suffix}`), { force: true });
    writeFileSync(join(world.dataDir, "ns-net.sqlite"), "garbage ".repeat(1000));
    const { code, json } = world.call("DEL", world.network(), { netns });
    assert.deepEqual([code, json.code, ourLinks(world.host)], [1, 5, []]);
  });

  for (const [title, change] of [
    ["prevResult is there", { prevResult: { cniVersion: "1.1.0", interfaces: [], ips: [] } }],
    ["prevResult is nonsense", { prevResult: "yes" }],
    ["every other key is nonsense", { bridge: 7, ipam: "x", mtu: [], ipMasq: {}, vlan: "no", ranges: 1, subnet: 0 }],
    ["the version is unknown", { cniVersion: "9.9.9" }],
    ["the version is the oldest", { cniVersion: "0.1.0" }],
    ["the bridge is another by now", { bridge: "br9" }],
    ["the ranges are others by now", { ipam: { type: "host-local", ranges: [[{ subnet: "10.9.0.0/24" }]] } }],
    ["the address plugin is another by now", { ipam: { type: "dhcp" } }],
  ] as const) {
    it(`removes link and lease when ${title}`, () => {
      const { world, netns } = attached();
      using _ = world;
      world.must("DEL", world.network(change), { netns });
      assert.deepEqual(left(world), nothing);
    });
  }

  it("accepts CNI_ARGS that ADD would refuse", () => {
    const { world, netns } = attached();
    using _ = world;
    world.must("DEL", world.network(), { netns, args: "NONSENSE" });
    assert.deepEqual(left(world), nothing);
  });

  it("of one attachment leaves the container's others", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", world.network(), { netns, ifname: "eth0" });
    world.must("ADD", world.network({ isDefaultGateway: false }), { netns, ifname: "net1" });
    world.must("DEL", world.network(), { netns, ifname: "eth0" });
    assert.deepEqual([...links(netns).keys()], ["lo", "net1"]);
    assert.deepEqual(world.leases(), ["c1/net1 10.7.0.3/24"]);
    netns.run("ping", "-c1", "-W1", "-I", "net1", "10.7.0.1");
    world.must("DEL", world.network(), { netns, ifname: "net1" });
    assert.deepEqual(left(world), nothing);
  });

  it("on one network leaves the container's attachment to another", () => {
    using world = freshWorld();
    const netns = world.netns();
    const other = world.network({ name: "other", bridge: "br1", isDefaultGateway: false });
    world.must("ADD", world.network(), { netns, ifname: "eth0" });
    world.must("ADD", other, { netns, ifname: "eth1" });
    world.must("DEL", world.network(), { netns, ifname: "eth0" });
    assert.deepEqual([...links(netns).keys()], ["lo", "eth1"]);
    assert.deepEqual(
      world.rows().map(({ network }) => network),
      ["other"],
    );
  });

  it("leaves the bridge and the rules, which others may use, and frees the address", () => {
    const { world, netns } = attached();
    using _ = world;
    const rules = world.host.nft("list", "ruleset");
    world.must("DEL", world.network(), { netns });
    assert.equal(world.host.nft("list", "ruleset"), rules);
    assert.ok(links(world.host).has("br0"));
    world.must("ADD", world.network(), { netns, args: "IP=10.7.0.2" });
  });

  it("refuses only an environment that cannot name an attachment", () => {
    const { world } = attached();
    using _ = world;
    for (const environment of [{ CNI_CONTAINERID: "" }, { CNI_IFNAME: "a/b" }]) {
      const answer = world.call("DEL", world.network(), { environment });
      assert.deepEqual([answer.code, answer.json.code], [1, 4]);
    }
    assert.equal(left(world).leases.length, 1);
  });
});
