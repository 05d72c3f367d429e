/**
 * A chain of our bridge and chained plugins of the reference, all replaced by ours while the pod runs. Witnesses:
 * iptables, nft, `ip`.
 */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { addList, delList, type NetworkList, type Runtime } from "../../support/libcni.ts";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import { freshWorld, type World } from "../../support/world.ts";

describe("Taking over a live node with only our bridge", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "iptables", "ifb", "tbf", "reference plugins");
  });

  function listOf({ dataDir }: World): NetworkList {
    const rates = { ingressRate: 80_000_000, egressRate: 80_000_000, ingressBurst: 8_000_000, egressBurst: 8_000_000 };
    const ipam = { type: "ns-net", ranges: [[{ subnet: "10.7.0.0/24" }], [{ subnet: "fd07::/64" }]] };
    return {
      ...{ cniVersion: "1.0.0", name: "mixed" },
      plugins: [
        { type: "bridge", bridge: "br0", isDefaultGateway: true, ipam, dataDir },
        { type: "portmap", capabilities: { portMappings: true }, dataDir },
        { type: "firewall", backend: "iptables", dataDir },
        { type: "bandwidth", ...rates, dataDir },
      ],
    };
  }

  it("DEL by our plugins leaves nothing of the reference", async () => {
    using world = freshWorld();
    const folder = join(world.dataDir, "../bin");
    mkdirSync(folder);
    for (const name of ["bridge", "portmap", "firewall", "bandwidth"]) symlinkSync(nsNet, join(folder, name));
    const runtimeOf = (ours: (type: string) => boolean): Runtime => ({
      host: world.host,
      pluginOf: (type) => join(ours(type) ? folder : referencePlugins, type),
      pluginPath: referencePlugins,
      cacheDir: join(folder, "cache"),
    });
    const list = listOf(world);
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
    const pods = ["c1", "c2"].map((container, i) => ({
      ...{ container, netns: world.netns() },
      capabilityArgs: { portMappings: portMappings.map((one) => ({ ...one, hostPort: one.hostPort + i })) },
    }));
    for (const pod of pods)
      await addList(
        runtimeOf((type) => type === "bridge"),
        list,
        pod,
      );
    const rules = () => ["iptables", "ip6tables"].map((save) => world.host.run(`${save}-save`)).join("");
    assert.equal(world.host.ip("link", "show", "type", "ifb").length, 2);
    const [first, second] = pods;
    await delList(
      runtimeOf(() => true),
      list,
      first!,
    );
    assert.doesNotMatch(rules(), /8080|10\.7\.0\.2\b|fd07::2\b/);
    assert.match(rules(), /-s 10\.7\.0\.3\/32 -j ACCEPT/);
    assert.match(rules(), /--dport 8081 -j DNAT/);
    assert.equal(world.host.ip("link", "show", "type", "ifb").length, 1);
    await delList(
      runtimeOf(() => true),
      list,
      second!,
    );
    assert.doesNotMatch(rules(), /808[01]|10\.7\.0\.|fd07::/);
    assert.deepEqual(world.host.ip("link", "show", "type", "ifb"), []);
    assert.deepEqual(world.rows(), []);
  });
});
