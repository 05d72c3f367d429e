/** An ADD that comes again without a DEL between, in another namespace: the runtime lost the first container. Witnesses: `nft`, `tc`, `ip`. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Verb } from "../../conf/request.ts";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import type { Netns } from "../support/sandbox.ts";
import { freshWorld, ourLinks, type World } from "../support/world.ts";
import { elements, mapped, web } from "./publishing.ts";

/** A namespace with an attachment, killed: the kernel takes its links along. */
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

/** Calls the plugin that the configuration names. */
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
    it(`takes back the ports, limits and checks of the first, with ipam ${JSON.stringify(ipam)}`, () => {
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

  it("takes back what plugins after it did, whether they share its store or not", () => {
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

describe("A plugin after another one", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "tbf", "ifb");
  });

  const changed = (netns: Netns) => [netns.ip("link", "show", "eth0")[0].mtu, netns.sysctl("net/core/somaxconn")];

  it("twice in a list, is undone twice, also where a configuration was edited meanwhile", () => {
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

  it("undoes nothing in another namespace that has the path by now", () => {
    using world = freshWorld();
    const call = byName(world, "tuning");
    const [first, second] = [world.netns(), world.netns()];
    const config = { ...world.network({ ipam: undefined, type: "tuning" }), mtu: 1400 };
    call("ADD", { ...config, prevResult: world.must("ADD", world.network(), { netns: first }) }, first);
    world.must("ADD", world.network(), { netns: second, container: "c2" });
    second.ip("link", "set", "eth0", "mtu", "1300");
    call("DEL", config, second);
    assert.equal(changed(second)[0], 1300);
    assert.equal(changed(first)[0], 1500, "found by the path that ADD was told");
  });
});
