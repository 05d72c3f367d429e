/**
 * The usual chain with mixes of five plugins of the reference and of ours, driven as libcni does. Witnesses: traffic, and
 * what is left.
 */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { addList, checkList, delList, type NetworkList, type Runtime } from "../../support/libcni.ts";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import { cable, type Netns } from "../../support/sandbox.ts";
import { type TcpServer, tcpReach, tcpServer } from "../../support/tcp.ts";
import { freshWorld, type World } from "../../support/world.ts";

const names = ["bridge", "portmap", "firewall", "bandwidth", "tuning"] as const;
const uplink = { host: "192.0.2.2", outside: "192.0.2.1" };

/**
 * Each of them ours or the reference's. Plugins meet in pairs: one reads the result, the links or the rules of another.
 * So these 9 of the 32 mixes have each pair in all four ways (an orthogonal array of 8 rows), none and all.
 */
const mixes = [
  ...Array.from({ length: 8 }, (_, bits) => {
    const [a, b, c] = [bits & 1, (bits >> 1) & 1, bits >> 2];
    return names.filter((_, i) => [a, b, c, a ^ b, b ^ c][i]);
  }),
  names,
];

function titleOf(ours: readonly string[]): string {
  if (ours.length === 0) return "none of them ours";
  return ours.length === names.length ? "all of them ours" : `ours: ${ours.join(", ")}`;
}

/** More does not help on machines with two cores. */
const atOnce = 3;

describe("A chain of bridge, portmap, firewall, bandwidth and tuning,", function () {
  this.timeout(120_000);
  let world: World;
  let folder: string;
  let outside: Netns;
  let server: TcpServer;
  const outcomes: Promise<void>[] = [];

  before(async function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib", "tbf", "ifb", "iptables", "reference plugins");
    world = freshWorld();
    folder = join(world.dataDir, "../bin");
    mkdirSync(folder);
    for (const name of [...names, "host-local"]) symlinkSync(nsNet, join(folder, name));
    outside = world.netns("outside");
    cable(
      { ns: world.host, ifname: "up0", cidrs: [`${uplink.host}/24`] },
      { ns: outside, ifname: "up0", cidrs: [`${uplink.outside}/24`] },
    );
    world.host.run("iptables", "-P", "FORWARD", "DROP");
    server = await tcpServer(outside);
    // One at a time: the reference's plugins sometimes fail if two of them create the first chain.
    await addAndDelete(0);
    const queue: (() => void)[] = [];
    for (const [i] of mixes.entries()) {
      outcomes.push(new Promise<void>((resolve) => queue.push(resolve)).then(() => addAndDelete(i)));
    }
    const next = () => queue.shift()?.();
    for (const outcome of outcomes) outcome.then(next, next);
    for (let i = 0; i < atOnce; i++) next();
  });

  after(() => {
    server?.[Symbol.dispose]();
    world?.[Symbol.dispose]();
  });

  /** Each mix has its own network, bridge and subnet, so that its remains can be distinguished. */
  function listOf(number: number): NetworkList {
    const ipam = {
      ...{ type: "host-local", ranges: [[{ subnet: `10.7.${number}.0/24` }]], routes: [{ dst: "0.0.0.0/0" }] },
      dataDir: join(folder, "networks"),
    };
    const rates = { ingressRate: 80_000_000, egressRate: 80_000_000, ingressBurst: 8_000_000, egressBurst: 8_000_000 };
    const { dataDir } = world;
    return {
      cniVersion: "1.0.0",
      name: `mix${number}`,
      plugins: [
        { type: "bridge", bridge: `br${number}`, isGateway: true, ipMasq: true, hairpinMode: true, ipam, dataDir },
        { type: "portmap", capabilities: { portMappings: true }, dataDir },
        { type: "firewall", backend: "iptables", dataDir },
        { type: "bandwidth", ...rates, dataDir },
        { type: "tuning", sysctl: { "net.core.somaxconn": "500" }, mtu: 1400, dataDir },
      ],
    };
  }

  async function addAndDelete(number: number): Promise<void> {
    const ours: readonly string[] = mixes[number]!;
    const runtime: Runtime = {
      host: world.host,
      pluginOf: (type) => join(ours.includes(type) ? folder : referencePlugins, type),
      pluginPath: referencePlugins,
      cacheDir: join(folder, "cache"),
    };
    const list = listOf(number);
    const hostPort = 8000 + number;
    const portMappings = [{ hostPort, containerPort: 80, protocol: "tcp" }];
    const netns = world.netns();
    const at = { container: `c${number}`, netns, capabilityArgs: { portMappings } };
    const result = (await addList(runtime, list, at)) as { interfaces: { name: string }[]; ips: { address: string }[] };
    using _web = await tcpServer(netns, "0.0.0.0", 80);
    assert.deepEqual(await tcpReach(netns, uplink.outside, server.port), { seenAs: uplink.host });
    assert.equal(netns.sysctl("net/core/somaxconn"), "500");
    assert.equal(netns.ip("link", "show", "eth0")[0].mtu, 1400);
    const link = result.interfaces[1]!.name;
    assert.match(world.host.run("tc", "qdisc", "show", "dev", link), /tbf .* rate 80Mbit/);
    for (const to of [uplink.host, "127.0.0.1"]) {
      assert.ok("seenAs" in (await tcpReach(world.host, to, hostPort)), `${to} from the host`);
    }
    // The reference's CHECK looks for its own chains, and reports ours as wrong.
    await checkList(runtime, { ...list, plugins: list.plugins.filter(({ type }) => ours.includes(type)) }, at);
    await delList(runtime, list, at);
    const address = result.ips[0]!.address.split("/")[0]!;
    const rules = world.host.nft("list", "ruleset");
    assert.ok(!rules.includes(`${hostPort}`) && !rules.includes(`${address} `), rules);
    assert.deepEqual(world.host.ip("link", "show", "master", `br${number}`), []);
    assert.ok(!world.leases().some((lease) => lease.includes(`c${number}/`)), world.leases().join());
  }

  for (const [i, ours] of mixes.entries()) it(titleOf(ours), () => outcomes[i]);

  it("leaves no ifb device", () => {
    assert.deepEqual(world.host.ip("link", "show", "type", "ifb"), []);
  });
});
