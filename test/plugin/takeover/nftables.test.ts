/**
 * Pods of newer versions of the reference, whose bridge and portmap write with nftables. Debian's write with iptables,
 * so its bridge creates the pod, and `nft` the rules that newer ones would (pkg/ip/ipmasq_nftables_linux.go,
 * plugins/meta/portmap/portmap_nftables.go). Witness: nft.
 */
import assert from "node:assert/strict";
import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import { run } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const environment = { PATH: process.env.PATH! };

function short(text: string): string {
  return run(["sh", "-c", 'printf %s "$0" | sha512sum', text]).slice(0, 16);
}

const commentOf = (container: string) =>
  `${short("podnet")}-${short(`eth0:${container}`)}, net: podnet, if: eth0, id: ${container}`;

/** The rules of the reference for a container with port 8080, and for one with an address of the host. */
function rulesOf(container: string, address: string): string {
  return `
    add table inet cni_plugins_masquerade
    add chain inet cni_plugins_masquerade masq_checks
    add rule inet cni_plugins_masquerade masq_checks ip saddr ${address} ip daddr != 10.7.0.0/24 masquerade comment "${commentOf(container)}"
    add table ip cni_hostport
    add chain ip cni_hostport hostports
    add chain ip cni_hostport hostip_hostports
    add chain ip cni_hostport masquerading { type nat hook postrouting priority srcnat; }
    add rule ip cni_hostport hostports tcp dport 8080 dnat to ${address}:80 comment "${container}"
    add rule ip cni_hostport hostports ip daddr 192.0.2.9 udp dport 8081 dnat to ${address}:80 comment "${container}"
    add rule ip cni_hostport masquerading ip saddr ${address} ip daddr ${address} masquerade comment "${container}"`;
}

describe("Taking over a live node with the reference's nftables rules", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib", "ipv6", "reference plugins");
  });

  const network = (world: World, more: object = {}) =>
    world.network({
      ...{ cniVersion: "1.0.0", type: "bridge" },
      ipam: { type: "host-local", subnet: "10.7.0.0/24", dataDir: join(world.dataDir, "../reservations") },
      ...more,
    });

  function pods(world: World) {
    return ["c1", "c2"].map((container) => {
      const netns = world.netns();
      const plugin = join(referencePlugins, "bridge");
      const result = world.must("ADD", network(world), { netns, container, plugin, environment });
      const address = result.ips[0].address.replace(/\/.*/, "") as string;
      world.host.nft(rulesOf(container, address));
      return { netns, container, address, result };
    });
  }

  const said = (world: World) => world.host.nft("list", "ruleset");

  it("DEL removes the rules of its attachment and no others", () => {
    using world = freshWorld();
    const [first, second] = pods(world);
    const lines = (address: string) =>
      said(world)
        .split("\n")
        .filter((line) => line.includes(address)).length;
    assert.deepEqual([lines(first!.address), lines(second!.address)], [4, 4]);
    // A second attachment of the first container: its ports stay.
    world.host.nft(`add rule ip cni_hostport hostports tcp dport 9090 dnat to 10.99.0.2:80 comment "c1"`);
    world.must("DEL", network(world), { netns: first!.netns, container: "c1", environment });
    assert.deepEqual([lines(first!.address), lines(second!.address), lines("10.99.0.2")], [0, 4, 1]);
    world.must("DEL", network(world), { netns: first!.netns, container: "c1", environment });
  });

  it("portmap's DEL removes its own part", () => {
    using world = freshWorld();
    const [first] = pods(world);
    const plugin = join(world.dataDir, "../portmap");
    symlinkSync(nsNet, plugin);
    const config = network(world, { type: "portmap", prevResult: first!.result });
    world.must("DEL", config, { netns: first!.netns, container: "c1", plugin, environment });
    assert.doesNotMatch(said(world), /comment "c1"/);
    assert.match(said(world), new RegExp(`${short("podnet")}-${short("eth0:c1")}`));
  });

  it("CHECK misses the rules that another program removed", () => {
    using world = freshWorld();
    const [{ netns, result: prevResult }] = pods(world) as [ReturnType<typeof pods>[0]];
    const check = (type: string, more: object) => {
      const plugin = join(world.dataDir, "..", type);
      if (!existsSync(plugin)) symlinkSync(nsNet, plugin);
      const config = network(world, { type, prevResult, ...more });
      const { code, json } = world.call("CHECK", config, { netns, container: "c1", plugin, environment });
      return code === 0 ? "" : `${json.code} ${json.msg}`;
    };
    const portMappings = [
      { hostPort: 8080, containerPort: 80, protocol: "tcp" },
      { hostPort: 8081, containerPort: 80, protocol: "udp", hostIP: "192.0.2.9" },
    ];
    const bridge = () => check("bridge", { ipMasq: true });
    const portmap = () => check("portmap", { runtimeConfig: { portMappings } });
    assert.deepEqual([bridge(), portmap()], ["", ""]);
    world.host.nft("flush chain ip cni_hostport hostports");
    assert.equal(bridge(), "");
    assert.match(portmap(), /^101 .*chain CNI-DN-\w+ \(published ports\) is missing/);
    world.host.nft("flush chain inet cni_plugins_masquerade masq_checks");
    assert.match(bridge(), /^101 .*chain CNI-\w+ \(masquerade\) is missing/);
  });

  it("ports that it published are refused, naming the holder", () => {
    using world = freshWorld();
    pods(world);
    const netns = world.netns();
    const asked = (hostPort: number, more: object = {}) => {
      const portMappings = [{ hostPort, containerPort: 80, protocol: "tcp", ...more }];
      const own = network(world, { name: "own", type: "ns-net", bridge: "br1", runtimeConfig: { portMappings } });
      const config = { ...own, ipam: { type: "ns-net", subnet: "10.8.0.0/24" } };
      const { code, json } = world.call("ADD", config, { netns, container: "c3", environment });
      world.must("DEL", config, { netns, container: "c3", environment });
      return code === 0 ? "" : `${json.code} ${json.msg}`;
    };
    assert.equal(
      asked(8080),
      "11 Cannot publish port 8080/tcp: c1 has it, by chain hostports of table cni_hostport that another plugin made",
    );
    assert.match(asked(8081, { protocol: "udp" }), /c1 has it on 192\.0\.2\.9, by/);
    assert.equal(asked(8081), "");
    assert.equal(asked(8082), "");
  });
});
