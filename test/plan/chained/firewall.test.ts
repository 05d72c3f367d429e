/** firewall on a host that drops forwarded packets, as with Docker. Witnesses: traffic, `iptables -S`. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable } from "../../support/sandbox.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { dualStack, freshWorld, type World } from "../../support/world.ts";

const rules = (world: World, command = "iptables"): string[] =>
  world.host
    .run(command, "-S")
    .split("\n")
    .filter((line) => line.includes("CNI-FORWARD") && !line.startsWith("-N"));

function prepare(world: World) {
  const plugin = join(world.dataDir, "../firewall");
  symlinkSync(nsNet, plugin);
  const outside = world.netns("outside");
  // While its link-local address is tentative, the host solicits no neighbour for forwarded packets.
  world.host.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
  cable(
    { ns: world.host, ifname: "up0", cidrs: ["192.0.2.2/24", "2001:db8::2/64"] },
    { ns: outside, ifname: "up0", cidrs: ["192.0.2.1/24", "2001:db8::1/64"] },
  );
  outside.ip("route", "add", "fd07::/64", "via", "2001:db8::2");
  outside.ip("route", "add", "10.7.0.0/24", "via", "192.0.2.2");
  const netns = world.netns();
  const config = world.network({ ipam: dualStack });
  const prevResult = world.must("ADD", config, { netns });
  return { outside, netns, prevResult, plugin, config: { ...config, type: "firewall" } };
}

describe("firewall, on a host that drops forwarded packets", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "iptables", "nft nat");
  });

  it("lets the container's packets out and none in, by rules that iptables reads", async () => {
    using world = freshWorld();
    world.host.run("iptables", "-P", "FORWARD", "DROP");
    const { outside, netns, prevResult, plugin, config } = prepare(world);
    using server = await tcpServer(outside);
    using inner = await tcpServer(netns);
    assert.ok("failed" in (await tcpReach(netns, "192.0.2.1", server.port, { limitMs: 500 })));
    assert.deepEqual(world.must("ADD", { ...config, prevResult }, { netns, plugin }), prevResult);
    assert.deepEqual(await tcpReach(netns, "192.0.2.1", server.port), { seenAs: "10.7.0.2" });
    assert.ok("failed" in (await tcpReach(outside, "10.7.0.2", inner.port, { limitMs: 500 })));
    const mark = '-m comment --comment "nsv\\w+ \\w+ eth0 c1"';
    const expected = [
      /^-A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD$/,
      /^-A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN$/,
      new RegExp(`^-A CNI-FORWARD -d 10.7.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED ${mark} -j ACCEPT$`),
      new RegExp(`^-A CNI-FORWARD -s 10.7.0.2/32 ${mark} -j ACCEPT$`),
    ];
    for (const [i, line] of rules(world).entries()) assert.match(line, expected[i]!);
    assert.equal(rules(world).length, 4);
    assert.equal(rules(world, "ip6tables").length, 4);
    world.must("CHECK", { ...config, prevResult }, { netns, plugin });
    world.must("DEL", config, { netns: "", plugin });
    assert.equal(rules(world).length, 2);
    assert.equal(rules(world, "ip6tables").length, 2);
    assert.notEqual(world.call("CHECK", { ...config, prevResult }, { netns, plugin }).code, 0);
  });

  it("does the same for IPv6", async () => {
    using world = freshWorld();
    world.host.run("ip6tables", "-P", "FORWARD", "DROP");
    const { outside, netns, prevResult, plugin, config } = prepare(world);
    using server = await tcpServer(outside, "::");
    using inner = await tcpServer(netns, "::");
    assert.ok("failed" in (await tcpReach(netns, "2001:db8::1", server.port, { limitMs: 500 })));
    world.must("ADD", { ...config, prevResult }, { netns, plugin });
    assert.deepEqual(await tcpReach(netns, "2001:db8::1", server.port), { seenAs: "fd07::2" });
    assert.ok("failed" in (await tcpReach(outside, "fd07::2", inner.port, { limitMs: 500 })));
    world.must("DEL", config, { netns: "", plugin });
    assert.ok("failed" in (await tcpReach(netns, "2001:db8::1", server.port, { limitMs: 500 })));
  });

  it("works beside the reference's chain, and removes its rules without the store", function () {
    needs(this, "reference plugins");
    using world = freshWorld();
    const { netns, prevResult, plugin, config } = prepare(world);
    const reference = {
      netns,
      plugin: "/usr/lib/cni/firewall",
      container: "theirs",
      environment: { PATH: process.env.PATH! },
    };
    const theirs = {
      ...config,
      cniVersion: "1.0.0",
      backend: "iptables",
      prevResult: { ...prevResult, cniVersion: "1.0.0" },
    };
    world.must("ADD", theirs, reference);
    const before = rules(world);
    world.must("ADD", { ...config, prevResult }, { netns, plugin });
    assert.equal(rules(world).length, before.length + 2);
    world.host.run("rm", "-r", world.dataDir);
    world.must("DEL", config, { netns: "", plugin });
    assert.deepEqual(rules(world), before);
    world.must("DEL", theirs, reference);
  });
});
