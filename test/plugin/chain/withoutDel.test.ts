/**
 * Plugins of a list whose DEL never comes: removed from the list while the container ran, or forgotten by the runtime.
 * Witnesses: nft, tc.
 */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { addList, delList, type NetworkList, type Runtime } from "../../support/libcni.ts";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, run } from "../../support/sandbox.ts";
import { freshWorld, ourLinks, type World } from "../../support/world.ts";

const later = ["portmap", "firewall", "bandwidth", "tuning", "sbr"];

function scene() {
  const world = freshWorld();
  const folder = join(world.dataDir, "../bin");
  mkdirSync(folder);
  for (const name of ["bridge", "host-device", ...later]) symlinkSync(nsNet, join(folder, name));
  const { dataDir } = world;
  const {
    cniVersion: _,
    name,
    type: __,
    ...bridge
  } = world.network({ cniVersion: "1.0.0" }) as Record<string, unknown>;
  const list: NetworkList = {
    cniVersion: "1.0.0",
    name: String(name),
    plugins: [
      { ...bridge, type: "bridge" },
      { type: "portmap", capabilities: { portMappings: true }, dataDir },
      { type: "firewall", backend: "iptables", dataDir },
      { type: "bandwidth", ingressRate: 8e7, ingressBurst: 8e6, egressRate: 8e7, egressBurst: 8e6, dataDir },
      { type: "tuning", mtu: 1400, dataDir },
    ],
  };
  const runtime: Runtime = {
    host: world.host,
    pluginOf: (plugin) => join(folder, plugin),
    pluginPath: folder,
    cacheDir: join(folder, "cache"),
  };
  const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
  const netns = world.netns();
  return { world, list, runtime, netns, at: { container: "c1", netns, capabilityArgs: { portMappings } } };
}

/** Everything with the container's address, port or limit; and the records of the store. */
function left({ host, dataDir }: World): object {
  const rules = host.nft("list", "ruleset");
  const remembered = run(["sqlite3", join(dataDir, "ns-net.sqlite"), "SELECT plugin FROM chained"]);
  return {
    rules: rules.split("\n").filter((line) => /8080|10\.7\.0\.2\b/.test(line)),
    links: [...ourLinks(host), ...host.ip("link", "show", "type", "ifb").map(({ ifname }) => ifname)],
    remembered: remembered.trim(),
  };
}

describe("Changes of a plugin whose DEL never comes", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib", "tbf", "ifb");
  });

  it("are undone by the DEL of the interface plugin", async () => {
    const { world, list, runtime, at } = scene();
    using _ = world;
    await addList(runtime, list, at);
    await delList(runtime, { ...list, plugins: list.plugins.slice(0, 1) }, at);
    assert.deepEqual(left(world), { rules: [], links: [], remembered: "" });
    await delList(runtime, list, at);
  });

  it("are undone while the namespace exists: a device is restored, rules of sbr are removed", async () => {
    const { world, list, runtime, netns, at } = scene();
    using _ = world;
    cable({ ns: world.host, ifname: "ens3" }, { ns: world.netns("outside"), ifname: "far0" });
    const { dataDir } = world;
    const ipam = { type: "host-local", subnet: "10.7.0.0/24", routes: [{ dst: "0.0.0.0/0" }] };
    const lending = { type: "host-device", device: "ens3", ipam, dataDir };
    const plugins = [
      lending,
      { type: "tuning", mtu: 1400, mac: "c2:11:22:33:44:55", dataDir },
      { type: "sbr", dataDir },
    ];
    const before = world.host.ip("link", "show", "ens3");
    await addList(runtime, { ...list, plugins }, at);
    assert.equal(netns.ip("rule").length, 4);
    await delList(runtime, { ...list, plugins: [lending] }, at);
    const [{ mtu, address }] = world.host.ip("link", "show", "ens3");
    assert.deepEqual([mtu, address], [before[0].mtu, before[0].address]);
    assert.equal(netns.ip("rule").length, 3);
  });

  it("are undone, with the bridge policy of firewall", async () => {
    const { world, list, runtime, at } = scene();
    using _ = world;
    const guarding = { type: "firewall", backend: "iptables", ingressPolicy: "same-bridge", dataDir: world.dataDir };
    await addList(runtime, { ...list, plugins: [list.plugins[0]!, guarding] }, at);
    assert.match(world.host.nft("list", "ruleset"), /"br0"/);
    await delList(runtime, { ...list, plugins: list.plugins.slice(0, 1) }, at);
    assert.doesNotMatch(world.host.nft("list", "ruleset"), /"br0"/);
  });

  it("goes with `ns-net gc`, once the namespace is gone", async () => {
    const { world, list, runtime, netns, at } = scene();
    using _ = world;
    await addList(runtime, list, at);
    netns[Symbol.dispose]();
    while (ourLinks(world.host).length > 0) Bun.sleepSync(5);
    run(world.host.inside([nsNet, "gc", "--data-dir", world.dataDir]));
    assert.deepEqual(left(world), { rules: [], links: [], remembered: "" });
  });

  it("keep their record, and their ports, when a second ADD is refused", () => {
    const { world, netns } = scene();
    using _ = world;
    const ports = (...numbers: number[]) => ({
      portMappings: numbers.map((hostPort) => ({ hostPort, containerPort: 80, protocol: "tcp" })),
    });
    const other = { netns: world.netns(), container: "c2" };
    const portmap = (prevResult: object, ...numbers: number[]) => {
      const { cniVersion, name, dataDir } = world.network() as Record<string, unknown>;
      return { cniVersion, name, dataDir, type: "portmap", prevResult, runtimeConfig: ports(...numbers) };
    };
    const [result, otherResult] = [
      world.must("ADD", world.network(), { netns }),
      world.must("ADD", world.network(), other),
    ];
    world.must("ADD", portmap(result, 8080), { netns });
    world.must("ADD", portmap(otherResult, 9090), other);
    const kept = () =>
      run([
        "sqlite3",
        join(world.dataDir, "ns-net.sqlite"),
        "SELECT plugin, container FROM chained; SELECT first_port, container FROM port",
      ]);
    const before = kept();
    assert.match(before, /8080\|c1/);
    assert.equal(world.call("ADD", portmap(result, 8080, 9090), { netns }).code, 1);
    assert.equal(kept(), before);
  });
});
