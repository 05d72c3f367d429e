/**
 * Pods of the reference without any record: no reservation of host-local, and no prevResult, as with cniVersion 0.3.1.
 * Deleted by ns-net. Witnesses: `ip`, iptables-save.
 */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import type { Netns } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const environment = { PATH: process.env.PATH! };
const types = ["bridge", "ptp", "portmap", "firewall", "bandwidth"];

interface Pod {
  readonly netns: Netns;
  readonly container: string;
  readonly ifname?: string;
}

describe("Taking over a live node, of pods without any record:", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "tbf", "ifb", "iptables", "reference plugins");
  });

  function ready(): World {
    const world = freshWorld();
    mkdirSync(join(world.dataDir, "../bin"));
    for (const type of types) symlinkSync(nsNet, join(world.dataDir, "../bin", type));
    return world;
  }

  const rate = 8_000_000;

  function configs(world: World, main: "bridge" | "ptp", { network = "lan", last = 2 } = {}) {
    const addresses = [
      { address: `10.7.0.${last}/24`, gateway: "10.7.0.1" },
      { address: `fd07::${last}/64`, gateway: "fd07::1" },
    ];
    const common = { cniVersion: "0.3.1", name: network, dataDir: world.dataDir };
    return [
      { ...common, type: main, bridge: "br0", isGateway: true, ipMasq: true, ipam: { type: "static", addresses } },
      {
        ...{ ...common, type: "portmap" },
        runtimeConfig: { portMappings: [{ hostPort: 8000 + last, containerPort: 80, protocol: "tcp" }] },
      },
      { ...common, type: "firewall", backend: "iptables" },
      { ...common, type: "bandwidth", ingressRate: rate, ingressBurst: rate, egressRate: rate, egressBurst: rate },
    ];
  }

  function start(world: World, pod: Pod, list: ReturnType<typeof configs>): void {
    let prevResult: object | undefined;
    pod.netns.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0"); // or the reference waits
    for (const config of list) {
      const plugin = join(referencePlugins, config.type);
      // The reference's firewall supports no older version.
      prevResult = world.must("ADD", { ...config, cniVersion: "0.4.0", prevResult }, { ...pod, plugin, environment });
    }
  }

  function end(
    world: World,
    pod: Omit<Pod, "netns"> & { readonly netns: string | Netns },
    list: { type: string }[],
  ): void {
    for (const config of [...list].reverse()) {
      const { code, stdout } = world.call("DEL", config, {
        ...{ ...pod, environment },
        plugin: join(world.dataDir, "../bin", config.type),
      });
      assert.equal(code, 0, `${config.type}: ${stdout}`);
    }
  }

  const names = (ns: Netns) => ns.ip("link").map(({ ifname }) => ifname as string);
  const rules = (world: World) =>
    ["iptables-save", "ip6tables-save"]
      .flatMap((program) => world.host.run(program).split("\n"))
      .filter((line) => /CNI-[0-9a-f]{5}|CNI-DN|10\.7\.0|fd07:/.test(line));

  async function nothingIsLeft(world: World) {
    assert.deepEqual(rules(world), []);
    // The kernel releases a namespace a moment after it is gone.
    const left = () => names(world.host).filter((name) => !["lo", "br0"].includes(name));
    for (let i = 0; i < 100 && left().length > 0; i++) await Bun.sleep(10);
    assert.deepEqual(left(), []);
  }

  for (const main of ["bridge", "ptp"] as const) {
    for (const told of ["its namespace", "a namespace that is gone", "no namespace, and it is gone"]) {
      it(`DEL of ${main} and its chained plugins, with ${told}, leaves nothing`, async () => {
        using world = ready();
        const pod = { netns: world.netns(), container: "r1" };
        start(world, pod, configs(world, main));
        assert.ok(rules(world).length > 10);
        if (told !== "its namespace") pod.netns[Symbol.dispose]();
        const netns = told.startsWith("no ") ? "" : pod.netns.path;
        // Without a namespace, firewall cannot know the addresses that it accepted; nor can the reference's.
        const list = configs(world, main);
        end(world, { ...pod, netns }, list);
        end(world, { ...pod, netns }, list);
        if (told === "its namespace") assert.deepEqual(names(pod.netns), ["lo"]);
        else {
          const accepted = rules(world);
          assert.ok(
            accepted.every((rule) => rule.startsWith("-A CNI-FORWARD")),
            accepted.join("\n"),
          );
          for (const program of ["iptables", "ip6tables"]) world.host.run(program, "-F", "CNI-FORWARD");
        }
        await nothingIsLeft(world);
      });
    }
  }

  it("DEL of an attachment that never existed keeps all others: those of other networks and interfaces, ours and foreign ones", () => {
    using world = ready();
    const [theirs, own, strange] = [world.netns(), world.netns(), world.netns()];
    const pod = { netns: theirs, container: "r1" };
    start(world, pod, configs(world, "bridge"));
    const [bridge] = configs(world, "bridge", { last: 9 });
    world.must("ADD", bridge!, { netns: own, container: "o1", plugin: join(world.dataDir, "../bin/bridge") });
    world.host.run("rm", "-r", world.dataDir);
    world.host.ip("link", "add", "veth0", "type", "veth", "peer", "name", "eth0", "netns", strange.path.slice(11));
    world.host.ip("link", "set", "veth0", "master", "br0");
    const looks = () => JSON.stringify(world.snapshot(theirs, own, strange)).replace(/ packets \d+ bytes \d+/g, "");
    const before = [looks(), rules(world)];
    for (const main of ["bridge", "ptp"] as const) {
      const elsewhere = configs(world, main, { network: "elsewhere" }).map((one) => ({ ...one, bridge: "br9" }));
      end(world, pod, elsewhere);
      end(world, { netns: own, container: "o1" }, elsewhere);
      end(world, { ...pod, ifname: "eth1" }, configs(world, main));
      end(world, { netns: strange, container: "s1" }, configs(world, main));
      end(world, { netns: "", container: "s1" }, configs(world, main));
    }
    assert.deepEqual([looks(), rules(world)], before);
  });
});
