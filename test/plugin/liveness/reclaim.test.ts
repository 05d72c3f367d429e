/** Self-healing: half-done attachments of killed calls, and leases of dead attachments if a pool is full. */
import { Database } from "bun:sqlite";
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { startPlugin } from "../../support/plugin.ts";
import { links } from "../../support/sandbox.ts";
import { freshWorld, ourLinks, ranges, type World } from "../../support/world.ts";

/** A pid that no process can have: above the kernel's highest limit, 2^22. */
const nobody = 1 << 23;

/** Changes rows of the store directly, to the state after a crash. */
function rewrite(world: World, sql: string, ...values: (string | number)[]): void {
  using database = new Database(join(world.dataDir, "ns-net.sqlite"), { readwrite: true });
  database.prepare(sql).run(...values);
}

const leaveHalfDone = (world: World, state: "adding" | "deleting") =>
  rewrite(world, "UPDATE attachment SET state = ?, pid = ?", state, nobody);

const containers = (world: World) => world.rows().map(({ container }) => container);

/** A pool of two addresses. */
const tiny = (world: World, change: object = {}) => world.network({ ipam: ranges("10.7.0.0/30"), ...change });

describe("An attachment whose ADD or DEL died half-way", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  for (const state of ["adding", "deleting"] as const) {
    it(`(${state}) is undone by its next ADD, which gets the same address`, () => {
      using world = freshWorld();
      const netns = world.netns();
      const first = world.must("ADD", world.network(), { netns });
      leaveHalfDone(world, state);
      const again = world.must("ADD", world.network(), { netns });
      assert.deepEqual(again.ips, first.ips);
      assert.deepEqual([ourLinks(world.host).length, world.rows()[0]?.state], [1, "attached"]);
    });

    it(`(${state}) is undone by an ADD into another namespace`, () => {
      using world = freshWorld();
      const old = world.netns();
      world.must("ADD", world.network(), { netns: old });
      leaveHalfDone(world, state);
      world.must("ADD", world.network(), { netns: world.netns() });
      assert.deepEqual([[...links(old).keys()], ourLinks(world.host).length], [["lo"], 1]);
    });

    it(`(${state}) without a host end is undone in the container by an ADD into another namespace`, function () {
      needs(this, "macvlan");
      using world = freshWorld();
      world.host.ip("link", "add", "up0", "type", "veth", "peer", "name", "far0");
      const { dataDir } = world;
      const lan = {
        cniVersion: "1.1.0",
        name: "lan",
        type: "macvlan",
        master: "up0",
        dataDir,
        ipam: ranges("10.7.0.0/24"),
      };
      const [old, other] = [world.netns(), world.netns()];
      world.must("ADD", lan, { netns: old });
      leaveHalfDone(world, state);
      world.must("ADD", lan, { netns: other });
      assert.deepEqual([[...links(old).keys()], [...links(other).keys()]], [["lo"], ["lo", "eth0"]]);
    });

    it(`(${state}) returns its host device, and the next ADD moves it again`, () => {
      using world = freshWorld();
      const netns = world.netns();
      world.host.ip("link", "add", "ens3", "type", "veth", "peer", "name", "far0");
      const { dataDir } = world;
      const ipam = ranges("10.7.0.0/24");
      const port = { cniVersion: "1.1.0", name: "port", type: "host-device", device: "ens3", dataDir, ipam };
      for (let add = 1; add <= 2; add++) {
        world.must("ADD", port, { netns });
        assert.equal(links(world.host).has("ens3"), false, `after ADD ${add}`);
        leaveHalfDone(world, state);
      }
      world.must("DEL", port, { netns });
      assert.ok(links(world.host).has("ens3"));
    });

    it(`(${state}) is undone by the next ADD with the changes of chained plugins`, () => {
      using world = freshWorld();
      const netns = world.netns();
      const { prevResult, ...before } = {
        prevResult: world.must("ADD", world.network(), { netns }),
        ...world.network(),
      };
      const firewall = { ...before, type: "firewall", prevResult };
      world.must("ADD", firewall, { netns });
      assert.match(world.host.nft("list", "ruleset"), /chain CNI-FORWARD \{[^}]*10\.7\.0\.2/);
      leaveHalfDone(world, state);
      world.must("ADD", world.network(), { netns });
      assert.doesNotMatch(world.host.nft("list", "ruleset"), /10\.7\.0\.2/);
    });

    it(`(${state}) is finished by DEL`, () => {
      using world = freshWorld();
      world.must("ADD", world.network(), { netns: world.netns() });
      leaveHalfDone(world, state);
      world.must("DEL", world.network());
      assert.deepEqual([ourLinks(world.host), world.rows()], [[], []]);
    });

    it(`(${state}) is finished by GC although the runtime lists it as valid`, () => {
      using world = freshWorld();
      world.must("ADD", world.network(), { netns: world.netns() });
      leaveHalfDone(world, state);
      world.must("GC", {
        ...world.network(),
        "cni.dev/valid-attachments": [{ containerID: "c1", ifname: "eth0" }],
      });
      assert.deepEqual([ourLinks(world.host), world.rows()], [[], []]);
    });
  }

  it("that reported success is refused as before", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", world.network(), { netns });
    assert.equal(world.call("ADD", world.network(), { netns }).json.code, 4);
  });
});

describe("An ADD that is still at work", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  /** An IPAM plugin that answers an ADD when the file `go` exists. */
  function slowPlugin(world: World): string {
    const folder = join(world.dataDir, "../plugins");
    mkdirSync(folder);
    const answer = JSON.stringify({ cniVersion: "1.1.0", ips: [{ address: "10.7.0.50/24", gateway: "10.7.0.1" }] });
    const script = `[ "$CNI_COMMAND" = ADD ] || exit 0
: > ${folder}/started
while ! [ -e ${folder}/go ]; do /bin/sleep 0.02; done
echo '${answer}'`;
    writeFileSync(join(folder, "slow"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, "slow"), 0o755);
    return folder;
  }

  async function begun(world: World) {
    const pluginPath = slowPlugin(world);
    const config = world.network({ ipam: { type: "slow" } });
    const running = startPlugin({ command: "ADD", host: world.host, config, netns: world.netns(), pluginPath });
    while (!(await Bun.file(join(pluginPath, "started")).exists())) await Bun.sleep(5);
    return { running, config, pluginPath, go: () => writeFileSync(join(pluginPath, "go"), "") };
  }

  it("is kept by GC", async () => {
    using world = freshWorld();
    const { running, config, pluginPath, go } = await begun(world);
    world.must("GC", { ...config, "cni.dev/valid-attachments": [] }, { pluginPath });
    assert.deepEqual(containers(world), ["c1"]);
    go();
    assert.equal((await running.answer).code, 0);
    assert.deepEqual([ourLinks(world.host).length, world.rows()[0]?.state], [1, "attached"]);
  });

  it("is waited for by DEL, which then removes what it created", async () => {
    using world = freshWorld();
    const { running, config, pluginPath, go } = await begun(world);
    const deleting = startPlugin({ command: "DEL", host: world.host, config, pluginPath });
    await Bun.sleep(100);
    assert.deepEqual(containers(world), ["c1"]);
    go();
    assert.deepEqual([(await running.answer).code, (await deleting.answer).code], [0, 0]);
    assert.deepEqual([ourLinks(world.host), world.rows()], [[], []]);
  });

  it("that hangs is named by DEL, after ten seconds", async () => {
    using world = freshWorld();
    const { running, config, pluginPath, go } = await begun(world);
    const { json } = world.call("DEL", config, { pluginPath });
    assert.equal(json.code, 11);
    assert.match(json.msg, /process \d+ is adding it/);
    go();
    await running.answer;
  });
});

describe("A full pool", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("gives the address of an earlier boot's container", () => {
    using world = freshWorld();
    const gone = world.netns();
    const first = world.must("ADD", tiny(world), { netns: gone, container: "old" });
    gone[Symbol.dispose]();
    world.host.ip("link", "del", "br0");
    rewrite(world, "UPDATE attachment SET boot_id = 'earlier'");
    while (ourLinks(world.host).length > 0) Bun.sleepSync(5);
    const again = world.must("ADD", tiny(world), { netns: world.netns(), container: "new" });
    assert.deepEqual([again.ips, containers(world)], [first.ips, ["new"]]);
  });

  it("gives the address of a container whose namespace is gone, seen twice", () => {
    using world = freshWorld();
    const gone = world.netns();
    world.must("ADD", tiny(world), { netns: gone, container: "old" });
    gone[Symbol.dispose]();
    while (ourLinks(world.host).length > 0) Bun.sleepSync(5);
    const startMs = performance.now();
    world.must("ADD", tiny(world), { netns: world.netns(), container: "new" });
    assert.ok(performance.now() - startMs >= 1000, "the second look came too early");
    assert.deepEqual(containers(world), ["new"]);
  });

  it("gives the address of a killed ADD, and removes its link", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", tiny(world), { netns, container: "old" });
    leaveHalfDone(world, "adding");
    world.must("ADD", tiny(world), { netns: world.netns(), container: "new" });
    assert.deepEqual([containers(world), [...links(netns).keys()]], [["new"], ["lo"]]);
  });

  it("is an error while its containers are alive, even one whose name in /run/netns was removed", async () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", tiny(world), { netns, container: "old" });
    const keeper = Bun.spawn(netns.inside(["sh", "-c", "echo in; exec sleep 60"]), { stdout: "pipe" });
    await keeper.stdout.getReader().read();
    netns[Symbol.dispose]();
    const { json } = world.call("ADD", tiny(world), { netns: world.netns(), container: "new" });
    keeper.kill();
    assert.equal(json.code, 11);
    assert.deepEqual(containers(world), ["old"]);
  });
});

describe("A full pool whose container has one end of its veth, or none", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  const added = (world: World, netns = world.netns()) => {
    world.must("ADD", tiny(world), { netns, container: "old" });
    return ourLinks(world.host)[0]!;
  };
  const next = (world: World) => world.call("ADD", tiny(world), { netns: world.netns(), container: "new" });

  it("gives the address of one whose link was deleted, seen twice, although its namespace exists", () => {
    using world = freshWorld();
    world.host.ip("link", "del", added(world));
    assert.equal(next(world).code, 0);
    assert.deepEqual(containers(world), ["new"]);
  });

  it("is full while the container's end exists, and the host end is in another namespace", () => {
    using world = freshWorld();
    world.host.ip("link", "set", added(world), "netns", world.netns("other").name);
    assert.equal(next(world).json.code, 11);
    assert.deepEqual(containers(world), ["old"]);
  });

  it("is full also if only a process leads into that namespace", async () => {
    using world = freshWorld();
    const netns = world.netns();
    world.host.ip("link", "set", added(world, netns), "netns", world.netns("other").name);
    const keeper = Bun.spawn(netns.inside(["sh", "-c", "echo in; exec sleep 60"]), { stdout: "pipe" });
    await keeper.stdout.getReader().read();
    netns[Symbol.dispose]();
    const { json } = next(world);
    keeper.kill();
    assert.equal(json.code, 11);
    assert.deepEqual(containers(world), ["old"]);
  });
});

describe("A full pool whose container's link was renamed", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("is full: the namespace exists, and has the address", () => {
    using world = freshWorld();
    world.must("ADD", tiny(world), { netns: world.netns(), container: "old" });
    const [link] = ourLinks(world.host);
    world.host.ip("link", "set", link!, "down");
    world.host.ip("link", "set", link!, "name", "mine0");
    assert.equal(world.call("ADD", tiny(world), { netns: world.netns(), container: "new" }).json.code, 11);
    assert.deepEqual(containers(world), ["old"]);
  });
});

describe("Entries of earlier boots", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("are removed when the first ADD after the boot finds no bridge", () => {
    using world = freshWorld();
    for (const container of ["a", "b", "c"]) world.must("ADD", world.network(), { netns: world.netns(), container });
    for (const name of ourLinks(world.host)) world.host.ip("link", "del", name);
    world.host.ip("link", "del", "br0");
    rewrite(world, "UPDATE attachment SET boot_id = 'earlier'");
    world.must("ADD", world.network(), { netns: world.netns(), container: "d" });
    assert.deepEqual(containers(world), ["d"]);
  });

  it("are removed when a DEL finds one", () => {
    using world = freshWorld();
    for (const container of ["a", "b", "c"]) world.must("ADD", world.network(), { netns: world.netns(), container });
    for (const name of ourLinks(world.host)) world.host.ip("link", "del", name);
    rewrite(world, "UPDATE attachment SET boot_id = 'earlier' WHERE container <> 'c'");
    world.must("DEL", world.network(), { container: "a" });
    assert.deepEqual(containers(world), ["c"]);
  });
});

describe("A store that was deleted", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6");
  });

  it("is rebuilt by the next ADD, which gives no address in use", () => {
    using world = freshWorld();
    const config = world.network({ ipam: ranges("10.7.0.0/29", "fd07::/64") });
    const given = new Set<string>();
    for (const container of ["a", "b", "c"]) {
      const { ips } = world.must("ADD", config, { netns: world.netns(), container });
      for (const { address } of ips) given.add(address);
    }
    const before = world.leases().sort();
    rmSync(world.dataDir, { recursive: true });
    const { ips } = world.must("ADD", config, { netns: world.netns(), container: "d" });
    for (const { address } of ips) assert.ok(!given.has(address), `${address} was given twice`);
    assert.deepEqual(
      world
        .leases()
        .filter((line) => !line.startsWith("d/"))
        .sort(),
      before,
    );
    for (const container of ["a", "b", "c", "d"]) world.must("DEL", config, { container });
    assert.deepEqual([ourLinks(world.host), world.rows()], [[], []]);
  });
});
