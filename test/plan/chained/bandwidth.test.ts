/** Limits for received and for sent traffic. Witnesses: `tc`, and the time of a megabyte. */
import assert from "node:assert/strict";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import type { Netns } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const qdiscs = (world: World): string[] =>
  world.host
    .run("tc", "qdisc")
    .split("\n")
    .filter((line) => line.includes("tbf") || line.includes("ingress"))
    .map((line) =>
      line.replace(/qdisc (\S+) \S+ dev (ns[vb]|\S*)\S* .*?(?:rate (\S+) burst (\S+) .*)?$/, "$1 $2 $3 $4").trim(),
    )
    .sort();

/** Seconds that a megabyte takes over TCP. */
async function seconds(from: Netns, to: Netns, address: string): Promise<number> {
  const server =
    "Bun.listen({hostname:'0.0.0.0',port:9000,socket:{data(s,d){(s.n??=0);s.n+=d.length;if(s.n>=1e6)s.end('k')}}});console.log(1)";
  const client = `const t=performance.now();const b=new Uint8Array(1e6);let at=0;const go=(s)=>{at+=s.write(b.subarray(at))};
    Bun.connect({hostname:'${address}',port:9000,socket:{open:go,drain:go,data(s,d){console.log((performance.now()-t)/1000);process.exit(0)}}})`;
  const listening = Bun.spawn(to.inside([process.execPath, "-e", server]), { stdout: "pipe" });
  try {
    for await (const _ of listening.stdout) break;
    const { stdout } = Bun.spawnSync(from.inside([process.execPath, "-e", client]), { timeout: 20_000 });
    return Number(stdout.toString());
  } finally {
    listening.kill("SIGKILL");
  }
}

const limits = { ingressRate: 8_000_000, ingressBurst: 800_000, egressRate: 4_000_000, egressBurst: 400_000 };

describe("A limit of traffic", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "tbf", "ifb");
  });

  it("limits what the container receives and what it sends, in bits", async () => {
    using world = freshWorld();
    const [pod, other] = [world.netns(), world.netns()];
    const config = world.network({ capabilities: { bandwidth: true }, runtimeConfig: { bandwidth: limits } });
    const prevResult = world.must("ADD", config, { netns: pod, container: "slow" });
    world.must("ADD", world.network(), { netns: other, container: "other" });
    assert.deepEqual(qdiscs(world), ["ingress nsv", "tbf nsb 4Mbit 50000b", "tbf nsv 8Mbit 100000b"].sort());
    const [receives, sends] = [await seconds(other, pod, "10.7.0.2"), await seconds(pod, other, "10.7.0.3")];
    assert.ok(receives > 0.7 && receives < 1.6, `8 Mbit at 8 Mbit/s took ${receives} s`);
    assert.ok(sends > 1.4 && sends < 3.2, `8 Mbit at 4 Mbit/s took ${sends} s`);
    world.must("CHECK", { ...config, prevResult }, { netns: pod, container: "slow" });
    world.must("DEL", world.network(), { netns: "", container: "slow" });
    assert.deepEqual(qdiscs(world), []);
    assert.deepEqual(world.host.ip("link", "show", "type", "ifb"), []);
  });

  it("needs a rate and a burst, as the reference's plugin does, and the published schema says so", function () {
    needs(this, "reference plugins");
    using world = freshWorld();
    const netns = world.netns();
    const schema = readFileSync(join(import.meta.dirname, "../../../conf/ns-net.schema.json"), "utf8");
    const given = { cniVersion: "1.0.0", name: "x", type: "bandwidth", prevResult: { cniVersion: "1.0.0" } };
    for (const key of Object.keys(limits)) {
      const partner = key.endsWith("Rate") ? key.replace("Rate", "Burst") : key.replace("Burst", "Rate");
      const alone = { ...given, [key]: 1_000_000, [partner]: 0 };
      for (const plugin of [nsNet, join(referencePlugins, "bandwidth")])
        assert.equal(world.call("ADD", alone, { netns, plugin }).code, 1);
      assert.match(schema, new RegExp(`"${key}": \\{[^}]*; with ${partner}, or both 0 for no limit"`));
    }
  });

  it("is removed by GC, and CHECK reports when it is missing", () => {
    using world = freshWorld();
    const netns = world.netns();
    const config = world.network({ ...limits });
    const prevResult = world.must("ADD", config, { netns });
    const [{ ifname }] = world.host.ip("link", "show", "type", "ifb");
    world.host.run("tc", "qdisc", "del", "dev", ifname, "root");
    assert.match(world.call("CHECK", { ...config, prevResult }, { netns }).json.msg, /limit of nsb/);
    world.must("GC", { ...world.network(), "cni.dev/valid-attachments": [] });
    assert.deepEqual(world.host.ip("link", "show", "type", "ifb"), []);
  });

  for (const [change, says] of [
    [{ ingressRate: 8000 }, /ingressBurst/],
    [{ egressBurst: 8000 }, /egressRate/],
    [{ ingressRate: 8_000_000, ingressBurst: 8000 }, /ingressBurst = 8000/],
    [{ ingressRate: 8_000_000, ingressBurst: 34_359_738_360 }, /ingressBurst = 34359738360/],
    [{ egressRate: 4, egressBurst: 800_000 }, /egressRate = 4/],
  ] as const) {
    it(`is refused, and changes nothing: ${JSON.stringify(change)}`, () => {
      using world = freshWorld();
      const netns = world.netns();
      const before = world.snapshot(netns);
      const { json } = world.call("ADD", world.network(change), { netns });
      assert.equal(json.code, 7);
      assert.match(json.msg, says);
      assert.deepEqual(world.snapshot(netns), before);
    });
  }
});

describe("bandwidth, after another plugin", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "tbf", "ifb", "reference plugins");
  });

  const environment = { PATH: process.env.PATH! };

  /** Ours and the reference's, each in its own world after the reference's bridge. */
  function bothTell(limit: object): object[] {
    return [nsNet, "/usr/lib/cni/bandwidth"].map((program) => {
      using world = freshWorld();
      const plugin = join(world.dataDir, "../bandwidth");
      symlinkSync(program, plugin);
      const netns = world.netns();
      const ipam = { type: "static", addresses: [{ address: "10.7.0.2/24" }] };
      const config = world.network({ cniVersion: "1.0.0", type: "bridge", ipam });
      const prevResult = world.must("ADD", config, { netns, plugin: "/usr/lib/cni/bridge", environment });
      const chained = { ...config, type: "bandwidth", ...limit, prevResult };
      const { code, json } = world.call("ADD", chained, { netns, plugin, environment });
      if (code !== 0) return { code };
      const { name, mac } = json.interfaces.at(-1);
      const [link] = world.host.ip("link", "show", name);
      assert.equal(link.address, mac);
      const own = { netns, plugin, environment };
      world.must("CHECK", { ...chained, prevResult: json }, own);
      world.must("CHECK", { ...config, prevResult: json }, { ...own, plugin: "/usr/lib/cni/bridge" });
      world.must("DEL", { ...chained, prevResult: json }, own);
      assert.deepEqual(world.host.ip("link", "show", "type", "ifb"), []);
      const kinds = json.interfaces.map((one: { name: string }) => one.name.replace(/^(veth|bwp|nsb).*/, "$1"));
      return { kinds: kinds.map((kind: string) => kind.replace("bwp", "nsb")) };
    });
  }

  it("accepts the bursts of the reference, up to 4 GB, and reports the ifb link as it does", () => {
    const egress = { egressRate: 8_000_000_000, egressBurst: 8_000_000_000 };
    const told = { kinds: ["br0", "veth", "eth0", "nsb"] };
    assert.deepEqual(bothTell({ ingressRate: 8_000_000_000, ingressBurst: 8_000_000_000, ...egress }), [told, told]);
    assert.deepEqual(bothTell({ ...egress, egressBurst: 34_359_738_359 }), [told, told]);
    assert.deepEqual(bothTell({ ...egress, egressBurst: 34_359_738_360 }), [{ code: 1 }, { code: 1 }]);
  });

  it("does not affect later plugins", () => {
    using world = freshWorld();
    const netns = world.netns();
    const call = (type: string) => {
      const plugin = join(world.dataDir, "..", type);
      symlinkSync(nsNet, plugin);
      return { netns, plugin };
    };
    const config = world.network({ type: "bridge" });
    const first = world.must("ADD", config, call("bridge"));
    let prevResult = first;
    const types = ["bandwidth", "firewall", "portmap", "tuning"];
    const own = (type: string) => ({ ...config, type, ...limits, ingressPolicy: "same-bridge", mtu: 1400, prevResult });
    const calls = new Map(types.map((type) => [type, call(type)]));
    for (const type of types) prevResult = world.must("ADD", own(type), calls.get(type)!);
    assert.equal(prevResult.interfaces.length, first.interfaces.length + 1);
    world.must("CHECK", { ...config, prevResult }, { netns });
    for (const type of types) world.must("CHECK", own(type), calls.get(type)!);
    for (const type of [...types].reverse()) world.must("DEL", own(type), calls.get(type)!);
    world.must("DEL", { ...config, prevResult }, { netns });
    assert.deepEqual(world.leases(), []);
  });

  it("accepts the runtime's capitalised keys, and DEL needs only the names", () => {
    using world = freshWorld();
    const folder = join(world.dataDir, "..");
    symlinkSync(nsNet, join(folder, "bandwidth"));
    const netns = world.netns();
    const ipam = { type: "host-local", ranges: [[{ subnet: "10.7.0.0/24" }]], dataDir: join(folder, "networks") };
    const config = world.network({ cniVersion: "1.0.0", type: "bridge", ipam });
    const reference = { netns, plugin: "/usr/lib/cni/bridge", environment };
    const prevResult = world.must("ADD", config, reference);
    const bandwidth = { IngressRate: 8_000_000, IngressBurst: 4294967295, EgressRate: 0, EgressBurst: 0 };
    const chained = { ...config, type: "bandwidth", runtimeConfig: { bandwidth }, prevResult };
    const mine = { netns, plugin: join(folder, "bandwidth") };
    world.must("ADD", chained, mine);
    assert.match(qdiscs(world).join(), /tbf .*8Mbit/);
    world.must("CHECK", chained, mine);
    world.must("DEL", { ...config, type: "bandwidth" }, { ...mine, netns: "" });
    assert.deepEqual(qdiscs(world), []);
    world.must("DEL", config, reference);
  });
});
