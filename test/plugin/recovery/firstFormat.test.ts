/**
 * A store of the first format on a host with running containers, for each verb that meets it first. Witnesses: `ip`,
 * `nft`, SQLite.
 */
import { Database } from "bun:sqlite";
import assert from "node:assert/strict";
import { readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileIn, writeFirstFormat } from "../../store/file/firstFormat.ts";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { type Netns, run } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const names = (ns: Netns): string[] => ns.ip("link").map(({ ifname }) => ifname);
const ruleset = (world: World) => world.host.nft("--stateless", "list", "ruleset");
const runtimeConfig = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] };
const earlier = /an earlier ns-net wrote the store in .*: it is kept as .*ns-net\.sqlite\.old-/;

interface Attached {
  readonly netns: Netns;
  readonly config: object;
  // biome-ignore lint/suspicious/noExplicitAny: a result.
  readonly result: any;
}

/** Two containers, one of them with a host port, and the store as an earlier ns-net wrote it. */
function upgraded(world: World): { one: Attached; two: Attached } {
  const attach = (container: string, change: object): Attached => {
    const netns = world.netns();
    const config = world.network({ ipMasq: true, ...change });
    return { netns, config, result: world.must("ADD", config, { netns, container }) };
  };
  const both = { one: attach("c1", { runtimeConfig }), two: attach("c2", {}) };
  writeFirstFormat(world.dataDir);
  return both;
}

function leasesOf(world: World): unknown[] {
  using database = new Database(fileIn(world.dataDir));
  return database
    .prepare("SELECT address FROM lease ORDER BY address_key")
    .values()
    .map(([address]) => address);
}

/** A plugin of that name, chained after the attachment. */
function chained(world: World, type: string, { config, result }: Attached) {
  const plugin = join(world.dataDir, "..", type);
  symlinkSync(nsNet, plugin);
  return { plugin, config: { ...config, ipam: undefined, type, prevResult: result } };
}

describe("a store of the first format, containers running", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  /** The end of each test: DEL of all, and nothing is left. */
  function deleteAll(world: World, ...all: readonly [string, Attached][]): void {
    for (const [container, { netns, config }] of all) {
      world.must("DEL", config, { netns, container });
      assert.deepEqual(names(netns), ["lo"]);
    }
    assert.deepEqual([leasesOf(world), world.rows()], [[], []]);
    assert.doesNotMatch(ruleset(world), /8080/);
  }

  it("ADD gives no address twice, and reports what happened to the store", () => {
    using world = freshWorld();
    const { one, two } = upgraded(world);
    const netns = world.netns();
    const { json, stderr } = world.call("ADD", one.config, { netns, container: "c3" });
    assert.match(stderr, earlier);
    assert.match(stderr, /has the 2 attachments that the kernel shows/);
    assert.equal(json.code, 11, "another container asked for a port that is published");
    const added = world.must("ADD", two.config, { netns, container: "c3" });
    // The refused ADD had 10.7.0.4, and freed it.
    assert.equal(added.ips[0].address, "10.7.0.5/24");
    assert.deepEqual(leasesOf(world), ["10.7.0.2", "10.7.0.3", "10.7.0.5"]);
    for (const [container, { netns, config, result }] of [
      ["c1", one],
      ["c2", two],
    ] as const)
      world.must("CHECK", { ...config, prevResult: result }, { netns, container });
    deleteAll(world, ["c1", one], ["c2", two], ["c3", { netns, config: two.config, result: added }]);
  });

  it("DEL removes everything, and leaves the others their addresses", () => {
    using world = freshWorld();
    const { one, two } = upgraded(world);
    const { code, stderr } = world.call("DEL", one.config, { netns: "", container: "c1" });
    assert.deepEqual([code, names(one.netns)], [0, ["lo"]]);
    assert.match(stderr, earlier);
    assert.doesNotMatch(ruleset(world), /8080/);
    assert.deepEqual(leasesOf(world), ["10.7.0.3"]);
    deleteAll(world, ["c2", two]);
  });

  it("CHECK finds what ADD created, and reports what is gone", () => {
    using world = freshWorld();
    const { one, two } = upgraded(world);
    const check = ({ config, result, netns }: Attached, container: string) =>
      world.call("CHECK", { ...config, prevResult: result }, { netns, container });
    const first = check(one, "c1");
    assert.equal(first.code, 0, first.stdout);
    assert.match(first.stderr, earlier);
    assert.equal(check(two, "c2").stderr, "");
    two.netns.run("ip", "address", "flush", "dev", "eth0");
    assert.match(check(two, "c2").json.msg, /address of eth0/);
    deleteAll(world, ["c1", one], ["c2", two]);
  });

  it("GC removes what is not valid, and nothing else", () => {
    using world = freshWorld();
    const { one, two } = upgraded(world);
    const valid = [{ containerID: "c2", ifname: "eth0" }];
    const { code, stderr } = world.call("GC", { ...two.config, "cni.dev/valid-attachments": valid });
    assert.equal(code, 0, stderr);
    assert.match(stderr, earlier);
    assert.deepEqual([names(one.netns), names(two.netns)], [["lo"], ["lo", "eth0"]]);
    assert.deepEqual(leasesOf(world), ["10.7.0.3"]);
    assert.doesNotMatch(ruleset(world), /8080/);
    deleteAll(world, ["c2", two]);
  });

  it("STATUS succeeds", () => {
    using world = freshWorld();
    const { one, two } = upgraded(world);
    world.must("STATUS", one.config);
    assert.deepEqual(leasesOf(world), ["10.7.0.2", "10.7.0.3"]);
    deleteAll(world, ["c1", one], ["c2", two]);
  });

  it("ADD of an existing attachment is refused, as always", () => {
    using world = freshWorld();
    const { one } = upgraded(world);
    const other = world.netns();
    assert.equal(world.call("ADD", one.config, { netns: other, container: "c1" }).json.code, 4);
    assert.deepEqual([names(one.netns), names(other)], [["lo", "eth0"], ["lo"]]);
  });

  it("a chained plugin's ADD, CHECK or DEL keeps the attachments' addresses", () => {
    for (const verb of ["ADD", "CHECK", "DEL"] as const) {
      using world = freshWorld();
      const { one, two } = upgraded(world);
      const { plugin, config } = chained(world, "portmap", one);
      const { code, stdout, stderr } = world.call(verb, config, { netns: one.netns, container: "c1", plugin });
      assert.equal(code, 0, `${verb}: ${stdout}`);
      assert.match(stderr, earlier);
      assert.deepEqual(leasesOf(world), ["10.7.0.2", "10.7.0.3"]);
      world.must("DEL", config, { netns: one.netns, container: "c1", plugin });
      deleteAll(world, ["c1", one], ["c2", two]);
    }
  });

  it("host-local called by name gives an address, and the attachments keep theirs", () => {
    using world = freshWorld();
    const { one, two } = upgraded(world);
    const plugin = join(world.dataDir, "..", "host-local");
    symlinkSync(nsNet, plugin);
    const ipam = { type: "host-local", subnet: "203.0.113.0/24" };
    const config = { cniVersion: "1.0.0", name: "other", dataDir: world.dataDir, ipam };
    const place = { plugin, netns: "/dev/null", container: "c9" };
    world.must("ADD", config, place);
    assert.deepEqual(leasesOf(world), ["10.7.0.2", "10.7.0.3", "203.0.113.2"]);
    world.must("DEL", config, place);
    deleteAll(world, ["c1", one], ["c2", two]);
  });

  it("ns-net ls shows the attachments, and gc keeps them", () => {
    using world = freshWorld();
    const { one, two } = upgraded(world);
    const cli = (...words: string[]) => run(world.host.inside([nsNet, ...words, "--data-dir", world.dataDir]));
    const shown = JSON.parse(cli("ls", "--json")) as { addresses: string[] }[];
    assert.deepEqual(shown.map(({ addresses }) => addresses[0]).sort(), ["10.7.0.2/24", "10.7.0.3/24"]);
    assert.equal(cli("repair"), "Nothing to repair.\n");
    cli("gc");
    assert.deepEqual(
      [names(one.netns), names(two.netns)],
      [
        ["lo", "eth0"],
        ["lo", "eth0"],
      ],
    );
    deleteAll(world, ["c1", one], ["c2", two]);
  });

  it("ns-net repair rebuilds it", () => {
    using world = freshWorld();
    const { one, two } = upgraded(world);
    const cli = (...words: string[]) => run(world.host.inside([nsNet, ...words, "--data-dir", world.dataDir]));
    const text = cli("repair");
    assert.match(text, /an earlier ns-net wrote it/);
    assert.match(text, /It was moved to .*ns-net\.sqlite\.broken-/);
    assert.match(text, /rebuilt 2 entries/);
    deleteAll(world, ["c1", one], ["c2", two]);
  });

  it("is kept aside once", () => {
    using world = freshWorld();
    const { one } = upgraded(world);
    for (const _ of [1, 2]) world.must("STATUS", one.config);
    assert.equal(readdirSync(world.dataDir).filter((name) => name.includes(".old-")).length, 1);
  });
});

describe("a store of the first format, interfaces without a host end", () => {
  before(function () {
    needs(this, "ns-net", "macvlan");
  });

  it("DEL removes a macvlan and frees its address", () => {
    using world = freshWorld();
    world.host.ip("link", "add", "up0", "type", "veth", "peer", "name", "up1");
    world.host.ip("link", "set", "up0", "up");
    const plugin = join(world.dataDir, "..", "macvlan");
    symlinkSync(nsNet, plugin);
    const config = world.network({ type: "macvlan", master: "up0", bridge: undefined, isDefaultGateway: undefined });
    const [one, two] = [world.netns(), world.netns()];
    world.must("ADD", config, { plugin, netns: one, container: "c1" });
    world.must("ADD", config, { plugin, netns: two, container: "c2" });
    writeFirstFormat(world.dataDir);
    world.must("DEL", config, { plugin, netns: one, container: "c1" });
    assert.deepEqual([names(one), names(two)], [["lo"], ["lo", "eth0"]]);
    assert.deepEqual(leasesOf(world), ["10.7.0.3"]);
    world.must("DEL", config, { plugin, netns: "", container: "c2" });
    assert.deepEqual([names(two), leasesOf(world)], [["lo"], []]);
  });
});
