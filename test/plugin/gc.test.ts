/** GC, STATUS and VERSION. Witness: `ip`, `nft` and the rows of the store. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { links } from "../support/sandbox.ts";
import { dualStack, freshWorld, ourLinks, ranges, type World } from "../support/world.ts";

const valid = (...containers: string[]) => ({
  "cni.dev/valid-attachments": containers.map((containerID) => ({ containerID, ifname: "eth0" })),
});

function attach(world: World, config: object, ...containers: string[]): void {
  for (const container of containers) world.must("ADD", config, { netns: world.netns(), container });
}

const containers = (world: World) => world.rows().map(({ container }) => container);

describe("GC", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat");
  });

  it("removes links and leases of all attachments that are not valid, and no other", () => {
    using world = freshWorld();
    const config = world.network({ ipMasq: true, ipam: dualStack });
    attach(world, config, "c1", "c2", "c3", "c4");
    const rules = world.host.nft("list", "ruleset");
    const kept = world.rows()[1]!.host_link;
    world.must("GC", { ...config, ...valid("c2", "never-added") });
    assert.deepEqual([containers(world), ourLinks(world.host)], [["c2"], [kept]]);
    assert.equal(world.host.nft("list", "ruleset"), rules);
    attach(world, config, "c5");
  });

  it("distinguishes the attachments of a container by interface", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", world.network(), { netns, ifname: "eth0" });
    world.must("ADD", world.network({ isDefaultGateway: false }), { netns, ifname: "net1" });
    world.must("GC", { ...world.network(), "cni.dev/valid-attachments": [{ containerID: "c1", ifname: "net1" }] });
    assert.deepEqual([...links(netns).keys()], ["lo", "net1"]);
    assert.deepEqual(
      world.rows().map(({ ifname }) => ifname),
      ["net1"],
    );
  });

  it("does not change other networks on the same bridge", () => {
    using world = freshWorld();
    const other = world.network({ name: "other", ipam: ranges("10.8.0.0/24"), ipMasq: true });
    attach(world, world.network({ ipMasq: true }), "c1");
    attach(world, other, "c2");
    world.must("GC", { ...world.network(), ...valid() });
    assert.deepEqual(containers(world), ["c2"]);
    assert.equal(ourLinks(world.host).length, 1);
    assert.ok(links(world.host).has("br0"));
    const rules = world.host.nft("list", "ruleset");
    assert.deepEqual([rules.includes("10.8.0.0/24"), rules.includes("10.7.0.0/24")], [true, false]);
  });

  it("of the last network on a bridge removes it, whichever network created it", () => {
    using world = freshWorld();
    const other = world.network({ name: "other", ipam: ranges("10.8.0.0/24") });
    attach(world, world.network(), "c1");
    attach(world, other, "c2");
    world.must("GC", { ...world.network(), ...valid() });
    world.must("GC", { ...other, ...valid() });
    assert.deepEqual([...links(world.host).keys()], ["lo"]);
  });

  it("with an empty list removes everything: links, leases, rules, the created bridge", () => {
    using world = freshWorld();
    const config = world.network({ ipMasq: true });
    attach(world, config, "c1", "c2");
    world.must("GC", { ...config, ...valid() });
    assert.deepEqual([...links(world.host).keys()], ["lo"]);
    assert.deepEqual([world.host.nft("list", "ruleset"), world.rows()], ["", []]);
  });

  it("leaves no rule and no set without attachments, and all of them with one", function () {
    needs(this, "nft bridge", "nft fib");
    using world = freshWorld();
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
    const keys = { ingressPolicy: "isolated", macspoofchk: true, masqAll: true, runtimeConfig: { portMappings } };
    const config = world.network({ ipMasq: true, ...keys });
    const other = world.network({ name: "other", bridge: "br1", ipam: ranges("10.8.0.0/24") });
    attach(world, config, "c1");
    attach(world, other, "c2");
    world.must("GC", { ...config, ...valid() });
    assert.match(world.host.nft("list", "ruleset"), /chain ports-in/);
    world.must("GC", { ...other, ...valid() });
    assert.deepEqual([...links(world.host).keys()], ["lo"]);
    assert.equal(world.host.nft("list", "ruleset"), "");
  });

  it("finds links whose lease is lost", () => {
    using world = freshWorld();
    attach(world, world.network(), "c1", "c2");
    rmSync(world.dataDir, { recursive: true });
    world.must("GC", { ...world.network(), ...valid("c2") });
    assert.equal(ourLinks(world.host).length, 1);
  });

  it("finds leases whose link is lost", () => {
    using world = freshWorld();
    attach(world, world.network(), "c1");
    world.host.ip("link", "del", ourLinks(world.host)[0]!);
    world.must("GC", { ...world.network(), ...valid() });
    assert.deepEqual(world.rows(), []);
  });

  it("keeps a foreign link in the bridge, and the bridge with it", () => {
    using world = freshWorld();
    attach(world, world.network(), "c1");
    world.host.ip("link", "add", "nsv0123456789a", "type", "veth", "peer", "name", "x1");
    world.host.ip("link", "set", "nsv0123456789a", "master", "br0");
    world.must("GC", { ...world.network(), ...valid() });
    assert.deepEqual([...links(world.host).keys()].sort(), ["br0", "lo", "nsv0123456789a", "x1"]);
  });

  it("removes forty attachments of one container", () => {
    using world = freshWorld();
    const config = world.network({ ipam: { type: "host-local", ranges: [[{ subnet: "10.7.0.0/16" }]] } });
    const netns = world.netns();
    for (let i = 0; i < 40; i++) world.must("ADD", { ...config, isDefaultGateway: false }, { netns, ifname: `e${i}` });
    world.must("GC", { ...config, ...valid() });
    assert.deepEqual([[...links(netns).keys()], world.rows()], [["lo"], []]);
  });

  it("continues after an error, reports it, and does the rest", () => {
    using world = freshWorld();
    const plugins = join(world.dataDir, "../plugins");
    mkdirSync(plugins);
    const plugin = join(plugins, "fickle");
    // Succeeds with ADD, and fails with everything for the container c1.
    const answer = JSON.stringify({ cniVersion: "1.1.0", ips: [{ address: "10.7.0.50/24", gateway: "10.7.0.1" }] });
    writeFileSync(
      plugin,
      `#!/bin/sh
if [ "$CNI_COMMAND" = ADD ]; then echo '${answer}'; exit 0; fi
if [ "$CNI_CONTAINERID" = c1 ]; then echo '{"code": 123, "msg": "no, not c1"}'; exit 1; fi
exit 0\n`,
    );
    chmodSync(plugin, 0o755);
    const config = world.network({ ipam: { type: "fickle" } });
    const pluginPath = plugins;
    for (const container of ["c1", "c2"]) {
      world.must("ADD", config, { netns: world.netns(), container, pluginPath });
    }
    const { code, json } = world.call("GC", { ...config, ...valid() }, { pluginPath });
    assert.deepEqual([code, json.code], [1, 123]);
    assert.match(json.msg, /no, not c1/);
    assert.deepEqual([containers(world), ourLinks(world.host)], [["c1"], []]);
  });

  it("removes links, and then fails, if the store is damaged", () => {
    using world = freshWorld();
    attach(world, world.network(), "c1");
    for (const suffix of ["", "-wal", "-shm"]) rmSync(join(world.dataDir, `ns-net.sqlite${suffix}`), { force: true });
    writeFileSync(join(world.dataDir, "ns-net.sqlite"), "garbage ".repeat(1000));
    const { code, json } = world.call("GC", { ...world.network(), ...valid() });
    assert.deepEqual([code, json.code, [...links(world.host).keys()]], [1, 5, ["lo"]]);
  });

  it("forwards to an IPAM plugin", () => {
    using world = freshWorld();
    const plugins = join(world.dataDir, "../plugins");
    mkdirSync(plugins);
    const seen = join(plugins, "seen");
    writeFileSync(join(plugins, "watcher"), `#!/bin/sh\n/bin/cat >> ${seen}\necho "$CNI_COMMAND" >> ${seen}\n`);
    chmodSync(join(plugins, "watcher"), 0o755);
    const config = { ...world.network({ ipam: { type: "watcher" } }), ...valid("c9") };
    world.must("GC", config, { pluginPath: plugins });
    assert.equal(readFileSync(seen, "utf8"), `${JSON.stringify(config)}GC\n`);
  });

  for (const [title, change] of [
    ["without a list, which may mean anything", {}],
    ["with a list of something else", { "cni.dev/valid-attachments": ["c1"] }],
    ["with a list that is no list", { "cni.dev/valid-attachments": {} }],
  ] as const) {
    it(`refuses, and removes nothing, ${title}`, () => {
      using world = freshWorld();
      attach(world, world.network(), "c1");
      const before = world.snapshot();
      const { code, json } = world.call("GC", { ...world.network(), ...change });
      assert.deepEqual([code, json.code], [1, 7]);
      assert.deepEqual(world.snapshot(), before);
    });
  }

  it("accepts the older name of the list, which libcni sends, too", () => {
    using world = freshWorld();
    attach(world, world.network(), "c1", "c2");
    const list = [{ containerID: "c1", ifname: "eth0" }];
    world.must("GC", { ...world.network(), "cni.dev/attachments": list });
    assert.deepEqual(containers(world), ["c1"]);
  });

  it("is unknown before version 1.1.0: code 1, nothing removed", () => {
    using world = freshWorld();
    attach(world, world.network(), "c1");
    const { code, json } = world.call("GC", { ...world.network({ cniVersion: "1.0.0" }), ...valid() });
    assert.deepEqual([code, json.code, containers(world)], [1, 1, ["c1"]]);
  });
});

describe("STATUS", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("succeeds while an address is free, and fails with code 50 if none is", () => {
    using world = freshWorld();
    const config = world.network({ ipam: ranges("10.7.0.0/30") });
    assert.equal(world.must("STATUS", config), undefined);
    attach(world, config, "c1");
    const { code, json } = world.call("STATUS", config);
    assert.deepEqual([code, json.code], [1, 50]);
    assert.match(json.msg, /10\.7\.0\.0\/30/);
    world.must("DEL", config, { container: "c1" });
    world.must("STATUS", config);
  });

  it("is code 50 when one family of two is full", () => {
    using world = freshWorld();
    const config = world.network({ ipam: ranges("10.7.0.0/30", "fd07::/64") });
    attach(world, config, "c1");
    assert.equal(world.call("STATUS", config).json.code, 50);
  });

  it("is code 50 if the bridge's name belongs to another kind of link", () => {
    using world = freshWorld();
    world.host.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1");
    for (const bridge of ["lo", "v0"]) {
      const { json } = world.call("STATUS", world.network({ bridge }));
      assert.deepEqual([json.code, json.msg.includes(`"${bridge}"`)], [50, true]);
    }
  });

  it("changes nothing in the kernel", () => {
    using world = freshWorld();
    const before = world.snapshot();
    world.must("STATUS", world.network({ ipMasq: true }));
    assert.deepEqual(world.snapshot(), before);
  });

  it("is unknown before version 1.1.0", () => {
    using world = freshWorld();
    assert.equal(world.call("STATUS", world.network({ cniVersion: "1.0.0" })).json.code, 1);
  });
});

describe("The plugin's own namespace", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  for (const path of ["/proc/self/ns/net", "its name"]) {
    it(`is refused with code 8 before anything is touched, given as ${path}`, () => {
      using world = freshWorld();
      const netns = path === "its name" ? world.host.path : path;
      const before = world.snapshot();
      const { code, json } = world.call("ADD", world.network({ ipMasq: true }), { netns });
      assert.deepEqual([code, json.code], [1, 8]);
      assert.deepEqual(world.snapshot(), before);
    });
  }

  it("is accepted with CNI_NETNS_OVERRIDE", () => {
    using world = freshWorld();
    const environment = { CNI_NETNS_OVERRIDE: "1" };
    world.must("ADD", world.network({ isDefaultGateway: false }), { netns: world.host, environment });
    assert.ok(links(world.host).has("eth0"));
    world.must("DEL", world.network(), { netns: world.host, environment });
    assert.ok(!links(world.host).has("eth0"));
  });
});
