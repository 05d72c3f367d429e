/** The usual chain, with the reference's plugins and ours in each other's places. Witnesses: traffic, and what is left. */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { nsNet, referencePlugins } from "../support/plugin.ts";
import { cable } from "../support/sandbox.ts";
import { tcpReach, tcpServer } from "../support/tcp.ts";
import { freshWorld } from "../support/world.ts";

const names = ["bridge", "portmap", "firewall", "bandwidth", "tuning"] as const;

const keys: Readonly<Record<(typeof names)[number], object>> = {
  bridge: { ipMasq: true, hairpinMode: true },
  portmap: { runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] } },
  firewall: { backend: "iptables" },
  bandwidth: { ingressRate: 80_000_000, ingressBurst: 8_000_000, egressRate: 80_000_000, egressBurst: 8_000_000 },
  tuning: { sysctl: { "net.core.somaxconn": "500" }, mtu: 1400 },
};

/** Which of the five are ours. */
const mixes: readonly (readonly [title: string, ours: readonly string[]])[] = [
  ["all ours", names],
  ["our bridge, the rest the reference's", ["bridge"]],
  ["the reference's bridge, the rest ours", names.slice(1)],
  ["by turns, ours first", ["bridge", "firewall", "tuning"]],
  ["by turns, the reference's first", ["portmap", "bandwidth"]],
];

describe("A chain of five plugins:", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib", "tbf", "ifb", "iptables", "reference plugins");
  });

  for (const [title, ours] of mixes) {
    it(title, async () => {
      using world = freshWorld();
      const folder = join(world.dataDir, "../bin");
      mkdirSync(folder);
      for (const name of [...names, "host-local"]) symlinkSync(nsNet, join(folder, name));
      const outside = world.netns("outside");
      cable(
        { ns: world.host, ifname: "up0", cidrs: ["192.0.2.2/24"] },
        { ns: outside, ifname: "up0", cidrs: ["192.0.2.1/24"] },
      );
      world.host.run("iptables", "-P", "FORWARD", "DROP");
      const netns = world.netns();
      const ipam = {
        ...{ type: "host-local", ranges: [[{ subnet: "10.7.0.0/24" }]], routes: [{ dst: "0.0.0.0/0" }] },
        dataDir: join(folder, "networks"),
      };
      const call = (verb: "ADD" | "CHECK" | "DEL", name: (typeof names)[number], more: object = {}) => {
        const plugin = join(ours.includes(name) ? folder : referencePlugins, name);
        const config = { cniVersion: "1.0.0", name: "podnet", type: name, bridge: "br0", dataDir: world.dataDir };
        const own = name === "bridge" ? { isGateway: true, ipam } : {};
        const environment = { PATH: process.env.PATH! };
        return world.must(verb, { ...config, ...own, ...keys[name], ...more }, { netns, plugin, environment });
      };
      let prevResult: object | undefined;
      for (const name of names) prevResult = call("ADD", name, { ...(prevResult && { prevResult }) });
      using server = await tcpServer(outside);
      using _web = await tcpServer(netns, "0.0.0.0", 80);
      assert.deepEqual(await tcpReach(netns, "192.0.2.1", server.port), { seenAs: "192.0.2.2" });
      assert.equal(netns.sysctl("net/core/somaxconn"), "500");
      assert.equal(netns.ip("link", "show", "eth0")[0].mtu, 1400);
      assert.match(world.host.run("tc", "qdisc"), /tbf .* rate 80Mbit/);
      for (const to of ["192.0.2.2", "127.0.0.1"]) {
        assert.ok("seenAs" in (await tcpReach(world.host, to, 8080)), `${to} from the host`);
      }
      for (const name of names) if (ours.includes(name)) call("CHECK", name, { prevResult });
      for (const name of [...names].reverse()) call("DEL", name, { prevResult });
      assert.deepEqual(world.leases(), []);
      assert.doesNotMatch(world.host.nft("list", "ruleset"), /nsv|8080|10\.7\.0\.2/);
      assert.deepEqual(world.host.ip("link", "show", "type", "ifb"), []);
      assert.deepEqual(
        world.host.ip("link", "show", "type", "veth").filter(({ ifname }) => ifname !== "up0"),
        [],
      );
    });
  }
});
