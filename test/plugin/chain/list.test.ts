/** A list of plugins, all of them ns-net, as a runtime built on libcni runs it: every verb, every version. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { versions } from "../../../conf/version.ts";
import {
  addList,
  type Container,
  checkList,
  delList,
  gcList,
  type NetworkList,
  type PluginFailed,
  type Runtime,
  statusList,
} from "../../support/libcni.ts";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { freshWorld, ourLinks, type World } from "../../support/world.ts";

const types = ["bridge", "portmap", "firewall", "bandwidth", "tuning"];

describe("A list of plugins", function () {
  this.timeout(20_000);
  let world: World;
  let runtime: Runtime;

  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib", "tbf", "ifb");
  });

  beforeEach(() => {
    world = freshWorld();
    const folder = join(world.dataDir, "../bin");
    mkdirSync(folder);
    for (const type of types) symlinkSync(nsNet, join(folder, type));
    const cacheDir = join(folder, "../cache");
    runtime = { host: world.host, pluginOf: (type) => join(folder, type), pluginPath: folder, cacheDir };
  });
  afterEach(() => world?.[Symbol.dispose]());

  function listOf(cniVersion: string, change: Partial<NetworkList> = {}): NetworkList {
    const { dataDir } = world;
    const bridge = { bridge: "br0", isDefaultGateway: true, ipMasq: true };
    const ipam = { type: "host-local", subnet: "10.7.0.0/29", dataDir: join(dataDir, "../networks") };
    return {
      cniVersion,
      name: "podnet",
      plugins: [
        { type: "bridge", ...bridge, ipam, dataDir },
        { type: "portmap", capabilities: { portMappings: true }, dataDir },
        { type: "firewall", dataDir },
        { type: "bandwidth", capabilities: { bandwidth: true }, dataDir },
        { type: "tuning", sysctl: { "net.core.somaxconn": "500" }, dataDir },
      ],
      ...change,
    };
  }

  const rate = { ingressRate: 8_000_000, ingressBurst: 8_000_000, egressRate: 8_000_000, egressBurst: 8_000_000 };

  function pod(number: number, hostPort = 8000 + number): Container & { netns: ReturnType<World["netns"]> } {
    const portMappings = [{ hostPort, containerPort: 80, protocol: "tcp" }];
    return { container: `c${number}`, netns: world.netns(), capabilityArgs: { portMappings, bandwidth: rate } };
  }

  const ruleset = () => world.host.nft("list", "ruleset");

  function nothingIsLeft() {
    assert.deepEqual(world.leases(), []);
    assert.deepEqual(ourLinks(world.host), []);
    assert.deepEqual(world.host.ip("link", "show", "type", "ifb"), []);
    assert.doesNotMatch(ruleset(), /: 10\.7\.0\.\d+ \.|saddr 10\.7\.0\.\d+ |nsv/);
    assert.deepEqual(readdirSync(join(runtime.cacheDir, "results")), []);
  }

  // firewall needs results with interfaces.
  for (const version of versions.filter((one) => !one.startsWith("0.1") && !one.startsWith("0.2"))) {
    it(`is added, checked and deleted in version ${version}`, async () => {
      const list = listOf(version);
      const at = pod(1);
      const result = (await addList(runtime, list, at)) as { cniVersion: string };
      assert.equal(result.cniVersion, version);
      assert.match(ruleset(), /tcp \. 8001 .*: 10\.7\.0\.2 \. 80/);
      assert.match(world.host.run("tc", "qdisc"), /tbf .* rate 8Mbit/);
      if (version >= "0.4.0") await checkList(runtime, list, at);
      await delList(runtime, list, at);
      await delList(runtime, list, at);
      nothingIsLeft();
    });
  }

  it("gets a runtime's values only for declared capabilities", async () => {
    const { plugins, ...list } = listOf("1.1.0");
    const at = pod(1);
    await addList(runtime, { ...list, plugins: plugins.map(({ capabilities: _, ...plugin }) => plugin) }, at);
    assert.doesNotMatch(ruleset(), /8001/);
    assert.doesNotMatch(world.host.run("tc", "qdisc"), /tbf/);
  });

  it("is deleted if the runtime's record of it is damaged, and the namespace gone", async () => {
    const list = listOf("1.0.0");
    const at = pod(1);
    await addList(runtime, list, at);
    const [file] = readdirSync(join(runtime.cacheDir, "results"));
    const kept = join(runtime.cacheDir, "results", file!);
    assert.equal(JSON.parse(readFileSync(kept, "utf8")).kind, "cniCacheV1");
    writeFileSync(kept, "{");
    at.netns[Symbol.dispose]();
    await delList(runtime, list, { ...at, netns: "" });
    nothingIsLeft();
  });

  it("leaves nothing when a plugin in the middle refuses, and the runtime deletes", async () => {
    const list = listOf("1.0.0");
    const first = pod(1);
    await addList(runtime, list, first);
    const second = pod(2, 8001);
    await assert.rejects(addList(runtime, list, second), (error: PluginFailed) => {
      assert.match(error.answer.json.msg, /8001\/tcp: eth0 of container c1 on network podnet has it/);
      return true;
    });
    await delList(runtime, list, second);
    assert.equal(world.leases().length, 1);
    await delList(runtime, list, first);
    nothingIsLeft();
  });

  it("GC deletes what the runtime has recorded and what it forgot, and keeps what is valid", async () => {
    const list = listOf("1.1.0");
    const [kept, stale, forgotten] = [pod(1), pod(2), pod(3)];
    for (const one of [kept, stale]) await addList(runtime, list, one);
    const elsewhere = { ...runtime, cacheDir: `${runtime.cacheDir}-lost` };
    await addList(elsewhere, list, forgotten);
    for (const { netns } of [stale, forgotten]) netns[Symbol.dispose]();
    await gcList(runtime, list, [kept]);
    assert.deepEqual(
      world.leases().map((lease) => lease.split("/")[0]),
      ["c1"],
    );
    await checkList(runtime, list, kept);
    await gcList(runtime, list, []);
    nothingIsLeft();
  });

  it("reports ready, and not ready with a full pool", async () => {
    const list = listOf("1.1.0");
    await statusList(runtime, list);
    for (let i = 1; i <= 5; i++) await addList(runtime, list, pod(i));
    await assert.rejects(statusList(runtime, list), (error: PluginFailed) => {
      assert.equal(error.answer.json.code, 50);
      assert.match(error.answer.json.msg, /5 of 5 in use/);
      return true;
    });
  });
});
