/**
 * A second ADD without a DEL between, in another namespace: the runtime lost the first container. Witnesses: `nft`,
 * `tc`, `ip`.
 */
import assert from "node:assert/strict";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Verb } from "../../../conf/request.ts";
import { elements, mapped, web } from "../../step/ports/publishing.ts";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins, startPlugin } from "../../support/plugin.ts";
import { links as allLinks, type Netns, run } from "../../support/sandbox.ts";
import { freshWorld, ourLinks, ranges, type World } from "../../support/world.ts";

/** A namespace with an attachment, killed: the kernel removes its links, too. */
function killed(world: World, config: object) {
  const netns = world.netns();
  const prevResult: object = world.must("ADD", config, { netns });
  return {
    netns,
    prevResult,
    kill() {
      netns[Symbol.dispose]();
      while (ourLinks(world.host).length > 0) Bun.sleepSync(5);
    },
  };
}

/** Calls the configured plugin. */
function byName(world: World, ...names: readonly string[]) {
  const folder = join(world.dataDir, "..");
  for (const name of names) symlinkSync(nsNet, join(folder, name));
  return (command: Verb, config: object, netns: Netns): void =>
    world.must(command, config, { netns, plugin: join(folder, (config as { type: string }).type) });
}

const limits = { ingressRate: 8e7, ingressBurst: 8e6, egressRate: 8e7, egressBurst: 8e6 };

const links = ({ host }: World) => host.ip("link", "show", "type", "ifb").map(({ ifname }) => ifname);

describe("ADD again without DEL", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib", "tbf", "ifb");
  });

  for (const ipam of [undefined, { type: "static", addresses: [{ address: "10.7.0.2/24" }] }, {}]) {
    it(`removes the ports, limits and checks of the first, with ipam ${JSON.stringify(ipam)}`, () => {
      using world = freshWorld();
      const config = world.network({ ...(ipam && { ipam, isDefaultGateway: false }) });
      const hasAddress = ipam === undefined || "type" in ipam;
      const more = hasAddress ? mapped(web, { ...web, hostPort: 8081 }).runtimeConfig : {};
      killed(world, {
        ...config,
        ...(hasAddress && { masqAll: true }),
        runtimeConfig: { ...more, bandwidth: limits },
      }).kill();
      const netns = world.netns();
      const again = hasAddress ? { ...config, ...mapped(web) } : config;
      const prevResult = world.must("ADD", again, { netns });
      assert.doesNotMatch(elements(world).join("\n"), /8081|masquerade-all|^10\.7\.0\.2 comment/m);
      assert.deepEqual(links(world), []);
      assert.equal(elements(world).filter((line) => line.includes("8080")).length, hasAddress ? 1 : 0);
      world.must("CHECK", { ...again, prevResult }, { netns });
      world.must("DEL", config, { netns });
      assert.deepEqual([...elements(world), ...world.leases()], []);
    });
  }

  it("creates the interface once with an IPAM that needs the interface first", () => {
    using world = freshWorld();
    const pluginPath = join(world.dataDir, "..");
    const answer = { cniVersion: "1.0.0", ips: [{ address: "10.9.0.5/24" }] };
    writeFileSync(join(pluginPath, "dhcp"), `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`, { mode: 0o755 });
    const plugin = join(pluginPath, "tap");
    symlinkSync(nsNet, plugin);
    const netns = world.netns();
    const config = { cniVersion: "1.0.0", name: "n", type: "tap", ipam: { type: "dhcp" }, dataDir: world.dataDir };
    const call = { netns, plugin, pluginPath };
    for (const _ of [1, 2]) {
      world.must("ADD", config, call);
      assert.equal(netns.ip("address", "show", "eth0")[0].addr_info[0].local, "10.9.0.5");
      netns.ip("link", "del", "eth0");
    }
    world.must("DEL", config, call);
  });

  it("is refused while the first has its interface, also if its link was renamed or is the reference's", function () {
    for (const isReference of [false, true]) {
      if (isReference) needs(this, "reference plugins");
      using world = freshWorld();
      const bridge = join(world.dataDir, "../bridge");
      symlinkSync(nsNet, bridge);
      const ipam = { type: "host-local", subnet: "10.7.0.0/24", dataDir: join(world.dataDir, "../networks") };
      const config = world.network({ cniVersion: "1.0.0", type: "bridge", ipam });
      const [first, second] = [world.netns(), world.netns()];
      const plugin = isReference ? join(referencePlugins, "bridge") : bridge;
      world.must("ADD", config, { netns: first, plugin, environment: { PATH: process.env.PATH! } });
      if (!isReference) {
        const [link] = ourLinks(world.host);
        world.host.ip("link", "set", link!, "down");
        world.host.ip("link", "set", link!, "name", "mine0");
      }
      const before = world.snapshot(first);
      const { json } = world.call("ADD", config, { netns: second, plugin: bridge });
      assert.match(json.msg, /eth0 of container c1 on network podnet: it is attached already, in the namespace \/run/);
      const { rows: _, ...looks } = world.snapshot(first) as { rows: unknown };
      const { rows: __, ...looked } = before as { rows: unknown };
      assert.deepEqual(looks, looked);
      world.must("DEL", config, { netns: first, plugin: bridge, environment: { PATH: process.env.PATH! } });
      world.must("ADD", config, { netns: second, plugin: bridge });
    }
  });

  it("several at once in one namespace: one succeeds and has the entry, and the others are refused", async () => {
    using world = freshWorld();
    const netns = world.netns();
    const config = world.network(mapped(web));
    for (let round = 0; round < 12; round++) {
      world.must("ADD", config, { netns });
      netns.ip("link", "del", "eth0");
      const start = () => startPlugin({ command: "ADD", config, netns, host: world.host }).answer;
      const answers = await Promise.all([start(), start(), start()]);
      assert.equal(
        answers.filter(({ code }) => code === 0).length,
        1,
        JSON.stringify(answers.map(({ stdout }) => stdout)),
      );
      assert.deepEqual([world.leases().length, ourLinks(world.host).length], [1, 1]);
      assert.equal(elements(world).length, 2);
      world.must("DEL", config, { netns });
    }
  });

  it("of an interface without a host end is refused while that exists, under any name", () => {
    using world = freshWorld();
    const plugin = join(world.dataDir, "../tap");
    symlinkSync(nsNet, plugin);
    const ipam = { type: "host-local", subnet: "10.7.0.0/30" };
    const config = { cniVersion: "1.0.0", name: "n", type: "tap", ipam, dataDir: world.dataDir };
    const [first, second] = [world.netns(), world.netns()];
    world.must("ADD", config, { netns: first, plugin });
    first.ip("link", "set", "eth0", "down");
    first.ip("link", "set", "eth0", "name", "mine0", "up");
    for (const netns of [second, first])
      assert.match(world.call("ADD", config, { netns, plugin }).json.msg, /attached already, in the namespace/);
    // A runtime sends DEL after a failed ADD.
    world.must("DEL", config, { netns: second, plugin });
    assert.deepEqual([...allLinks(first).keys()], ["lo"]);
    assert.deepEqual(world.leases(), []);
  });

  it("that fails frees what the first had", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", world.network(mapped(web)), { netns });
    netns.ip("link", "del", "eth0");
    const ipam = { ...ranges("10.7.0.0/24"), routes: [{ dst: "10.9.0.0/16", gw: "10.99.0.1" }] };
    const { json } = world.call("ADD", world.network({ ...mapped(web), ipam }), { netns });
    assert.match(json.msg, /add route 10\.9\.0\.0\/16/);
    assert.deepEqual([...elements(world), ...world.leases()], []);
    world.must("ADD", world.network(mapped(web)), { netns: world.netns(), container: "c2" });
  });

  it("undoes what chained plugins did, with the same store or another", () => {
    for (const dataDir of ["data", "other"]) {
      using world = freshWorld();
      const call = byName(world, "portmap", "bandwidth", "tuning");
      const [portmap, bandwidth, tuning] = [
        { type: "portmap", ...mapped(web, { ...web, hostPort: 8081 }) },
        { type: "bandwidth", ...limits },
        { type: "tuning", mtu: 1400, sysctl: { "net.core.somaxconn": "500" } },
      ].map((own) => ({ ...world.network({ ipam: undefined, ...own }), dataDir: join(world.dataDir, "..", dataDir) }));
      const first = killed(world, world.network());
      for (const config of [portmap, bandwidth, tuning])
        call("ADD", { ...config, prevResult: first.prevResult }, first.netns);
      first.kill();
      const netns = world.netns();
      const prevResult = world.must("ADD", world.network(), { netns });
      const fewer = { ...portmap, ...mapped(web) };
      for (const config of [fewer, bandwidth, tuning]) call("ADD", { ...config, prevResult }, netns);
      assert.doesNotMatch(elements(world).join("\n"), /8081/);
      for (const config of [tuning, bandwidth, fewer]) call("DEL", { ...config }, netns);
      assert.equal(netns.ip("link", "show", "eth0")[0].mtu, 1500);
      assert.deepEqual([...elements(world), ...links(world)], []);
    }
  });
});

describe("A chained plugin", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "tbf", "ifb");
  });

  const changed = (netns: Netns) => [netns.ip("link", "show", "eth0")[0].mtu, netns.sysctl("net/core/somaxconn")];

  it("twice in a list, with a property that both change, passes CHECK; CHECK reports a foreign change", () => {
    using world = freshWorld();
    const call = byName(world, "tuning");
    const netns = world.netns();
    const prevResult = world.must("ADD", world.network(), { netns });
    const tuning = (own: object) => ({ ...world.network({ ipam: undefined, type: "tuning" }), ...own, prevResult });
    const one = tuning({ mtu: 1400, sysctl: { "net.core.somaxconn": "500", "net.ipv4.conf.IFNAME.arp_filter": "1" } });
    const two = tuning({ mtu: 1300, sysctl: { "net.core.somaxconn": "600" } });
    for (const config of [one, two]) call("ADD", config, netns);
    for (const config of [one, two]) call("CHECK", config, netns);
    const repair = () => run(world.host.inside([nsNet, "repair", "--data-dir", world.dataDir]));
    assert.equal(repair(), "Nothing to repair.\n");
    netns.run("sysctl", "-qw", "net.ipv4.conf.eth0.arp_filter=0", "net.core.somaxconn=7");
    const plugin = join(world.dataDir, "../tuning");
    // Also if the configuration was edited meanwhile.
    for (const config of [one, { ...one, mtu: 1450 }])
      assert.match(world.call("CHECK", config, { netns, plugin }).json.msg, /arp_filter/);
    assert.match(world.call("CHECK", two, { netns, plugin }).json.msg, /somaxconn/);
    repair();
    assert.deepEqual(changed(netns), [1300, "600"]);
    for (const config of [one, two]) call("CHECK", config, netns);
  });

  it("undoes what it did with another configuration", () => {
    using world = freshWorld();
    const call = byName(world, "bandwidth");
    const netns = world.netns();
    const prevResult = world.must("ADD", world.network(), { netns });
    const bandwidth = (own: object) => ({
      ...world.network({ ipam: undefined, type: "bandwidth" }),
      ...own,
      prevResult,
    });
    call("ADD", bandwidth(limits), netns);
    call("ADD", bandwidth({ ingressRate: 4e7, ingressBurst: 4e6 }), netns);
    assert.deepEqual(links(world), []);
    assert.match(world.host.run("tc", "qdisc"), /tbf .* rate 40Mbit/);
    call("DEL", bandwidth(limits), netns);
    assert.doesNotMatch(world.host.run("tc", "qdisc"), /tbf/);
    assert.equal(run(["sqlite3", join(world.dataDir, "ns-net.sqlite"), "SELECT count(*) FROM chained"]).trim(), "0");
  });

  it("twice in a list, is undone twice, also if a configuration was edited meanwhile", () => {
    for (const isEdited of [false, true]) {
      using world = freshWorld();
      const call = byName(world, "tuning");
      const netns = world.netns();
      const prevResult = world.must("ADD", world.network(), { netns });
      const before = changed(netns);
      const tuning = (own: object) => ({ ...world.network({ ipam: undefined, type: "tuning" }), ...own });
      const [one, two] = [tuning({ mtu: 1400 }), tuning({ sysctl: { "net.core.somaxconn": "500" }, mtu: 1300 })];
      for (const config of [one, two]) call("ADD", { ...config, prevResult }, netns);
      assert.deepEqual(changed(netns), [1300, "500"]);
      const later = isEdited ? [tuning({ mtu: 1200 }), tuning({ mtu: 1100 })] : [two, one];
      call("DEL", later[0]!, netns);
      assert.deepEqual(changed(netns), [1400, before[1]]);
      call("DEL", later[1]!, netns);
      assert.deepEqual(changed(netns), before);
    }
  });

  it("added twice, is undone once", () => {
    using world = freshWorld();
    const call = byName(world, "tuning", "bandwidth");
    const netns = world.netns();
    const prevResult = world.must("ADD", world.network(), { netns });
    const before = changed(netns);
    for (const own of [
      { type: "tuning", mtu: 1400 },
      { type: "bandwidth", ...limits },
    ]) {
      const config = { ...world.network({ ipam: undefined }), ...own };
      for (const _ of [1, 2]) call("ADD", { ...config, prevResult }, netns);
      call("DEL", config, netns);
    }
    assert.deepEqual(changed(netns), before);
    assert.deepEqual(links(world), []);
  });

  it("undoes nothing in another namespace with the same path", () => {
    using world = freshWorld();
    const call = byName(world, "tuning");
    const [first, second] = [world.netns(), world.netns()];
    const config = { ...world.network({ ipam: undefined, type: "tuning" }), mtu: 1400 };
    call("ADD", { ...config, prevResult: world.must("ADD", world.network(), { netns: first }) }, first);
    world.must("ADD", world.network(), { netns: second, container: "c2" });
    second.ip("link", "set", "eth0", "mtu", "1300");
    call("DEL", config, second);
    assert.equal(changed(second)[0], 1300);
    assert.equal(changed(first)[0], 1500, "found by the path of ADD");
  });
});
