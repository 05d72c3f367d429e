/**
 * A host that drops forwarded packets: what ns-net reports, when, and at which cost. Witnesses: iptables, nft, traffic.
 */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, run } from "../../support/sandbox.ts";
import { skip } from "../../support/skip.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { dualStack, freshWorld, type World } from "../../support/world.ts";

const iptables = (world: World, ...commands: string[]) => {
  for (const command of commands) world.host.run("iptables", ...command.split(" "));
};

/** The chain as Docker leaves it. */
const docker = [
  "-P FORWARD DROP",
  "-N DOCKER-USER",
  "-A DOCKER-USER -j RETURN",
  "-A FORWARD -j DOCKER-USER",
  "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
  "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT",
  "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
];

const first = (world: World, change: object = {}) => world.call("ADD", world.network(change), { netns: world.netns() });

describe("On a host that drops forwarded packets", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "iptables", "nft nat");
  });

  it("the first ADD of a network names the chain that drops and a cure that works; later ones ask nothing", async () => {
    using world = freshWorld();
    const outside = world.netns("outside");
    cable(
      { ns: world.host, ifname: "up0", cidrs: ["192.0.2.2/24"] },
      { ns: outside, ifname: "up0", cidrs: ["192.0.2.1/24"] },
    );
    world.host.ip("route", "add", "default", "via", "192.0.2.1");
    outside.ip("route", "add", "10.7.0.0/24", "via", "192.0.2.2");
    iptables(world, ...docker);
    const netns = world.netns();
    const { code, stderr } = world.call("ADD", world.network(), { netns });
    assert.equal(code, 0);
    assert.match(stderr, /^ns-net: chain FORWARD of nf_tables table ip filter drops .* by br0: .*\n$/);
    const environment = { NSNET_DEBUG: "netlink" };
    const later = world.call("ADD", world.network(), { netns: world.netns(), container: "c2", environment });
    assert.doesNotMatch(later.stderr, /list nf_tables/);
    using server = await tcpServer(outside);
    assert.ok("failed" in (await tcpReach(netns, "192.0.2.1", server.port, { limitMs: 400 })));
    world.host.run("sh", "-c", /or run: (.*)/.exec(stderr)![1]!);
    assert.deepEqual(await tcpReach(netns, "192.0.2.1", server.port), { seenAs: "10.7.0.2" });
  });

  it("STATUS succeeds, because ADD works, and reports the same; so does every add by hand", () => {
    using world = freshWorld();
    iptables(world, "-P FORWARD DROP");
    world.host.run("ip6tables", "-P", "FORWARD", "DROP");
    const status = () => world.call("STATUS", world.network({ ipam: dualStack }));
    assert.equal(status().code, 0);
    assert.deepEqual(status().stderr.match(/table ip6? filter/g), ["table ip filter", "table ip6 filter"]);
    for (const name of ["hand-1", "hand-2"]) {
      const words = [nsNet, "add", name, "--data-dir", world.dataDir];
      const { stderr } = Bun.spawnSync(world.host.inside(words));
      assert.match(stderr.toString(), /chain FORWARD .* by nsnet0/);
      const checked = Bun.spawnSync(world.host.inside([nsNet, "check", name, "--data-dir", world.dataDir]));
      assert.deepEqual([checked.exitCode, /chain FORWARD .* by nsnet0/.test(checked.stderr.toString())], [0, true]);
      run(world.host.inside([nsNet, "del", name, "--data-dir", world.dataDir]));
    }
    iptables(world, "-P FORWARD ACCEPT");
    world.host.run("ip6tables", "-P", "FORWARD", "ACCEPT");
    assert.equal(status().stderr, "");
  });

  it("a person's own chain is named, with a cure in commands of nft", () => {
    using world = freshWorld();
    world.host.nft(
      "add table inet wall; add chain inet wall forward { type filter hook forward priority 0; policy drop; }",
    );
    const { stderr } = first(world);
    assert.match(stderr, /chain forward of nf_tables table inet wall/);
    world.host.run("sh", "-c", /or run: (.*)/.exec(stderr)![1]!);
    assert.equal(world.call("STATUS", world.network()).stderr, "");
  });

  it("a chain whose last rule rejects everything is reported with any policy", () => {
    for (const [rules, isTold] of [
      ["ct state established,related accept; iifname lo accept; reject with icmpx type admin-prohibited", true],
      ["ct state established accept; counter drop", true],
      ["iifname br9 drop; ip saddr 10.9.0.0/16 drop", false],
      ["ip saddr 10.0.0.0/8 accept; reject", false],
      ['iifname "br*" accept; reject', false],
      ["jump known; reject", true],
      ["jump open; reject", false],
    ] as const) {
      using world = freshWorld();
      const chains =
        "chain known { ct state established accept; }\n chain open { oifname up0 accept; ip saddr 10.7.0.0/24 accept; }";
      const forward = `chain forward { type filter hook forward priority filter; policy accept; ${rules}; }`;
      world.host.nft(`table inet walls {\n${chains}\n${forward}\n}`);
      const { stderr } = world.call("STATUS", world.network());
      assert.equal(/chain forward of nf_tables table inet walls drops/.test(stderr), isTold, `${rules}: ${stderr}`);
    }
  });

  it("reports that the older tables of iptables are in use, whose rules it cannot read", function () {
    using world = freshWorld();
    try {
      world.host.run("iptables-legacy", "-P", "FORWARD", "DROP");
    } catch (error) {
      skip(this, `no iptables-legacy here (${(error as Error).message.split("\n")[0]})`);
    }
    assert.match(world.call("STATUS", world.network()).stderr, /older tables of iptables .*iptables-legacy -S FORWARD/);
  });

  it("STATUS of ptp reports it for all its links", () => {
    using world = freshWorld();
    symlinkSync(nsNet, join(world.dataDir, "../ptp"));
    iptables(world, "-P FORWARD DROP");
    const status = () =>
      world.call("STATUS", { ...world.network(), type: "ptp" }, { plugin: join(world.dataDir, "../ptp") });
    const [, cure = ""] = /or run: (.*)/.exec(status().stderr) ?? [];
    assert.match(cure, /-i nsv\+ /);
    world.host.run("sh", "-c", cure);
    assert.equal(status().stderr, "");
  });

  for (const rule of [
    "-A FORWARD -i br0 -j ACCEPT",
    "-A FORWARD -i br+ -j ACCEPT",
    "-A FORWARD -s 10.0.0.0/8 -j ACCEPT",
  ])
    it(`nothing is reported if a rule may let it through: ${rule}`, () => {
      using world = freshWorld();
      iptables(world, ...docker, rule);
      assert.equal(first(world).stderr, "");
    });

  it("nothing is reported for a network that is not forwarded", () => {
    using world = freshWorld();
    iptables(world, "-P FORWARD DROP");
    assert.equal(first(world, { isDefaultGateway: false, ipam: {} }).stderr, "");
  });
});

describe("A subnet that another link of the host also has", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  const told =
    /^ns-net: 10\.7\.0\.0\/24 is the network of br0, and the host has a route of 10\.7\.0\.0\/2[45] to up0: .*\n$/;

  for (const [what, cidr, says] of [
    ["the same", "10.7.0.9/24", told],
    ["a part of it", "10.7.0.9/25", told],
    ["a wider one", "10.7.0.9/16", /^$/],
    ["a host in it", "10.7.0.9/32", /^$/],
  ] as const) {
    it(`is reported by the first ADD: ${what}`, () => {
      using world = freshWorld();
      cable({ ns: world.host, ifname: "up0", cidrs: [cidr] }, { ns: world.netns(), ifname: "up0", cidrs: [] });
      const { code, stderr } = world.call("ADD", world.network(), { netns: world.netns() });
      assert.equal(code, 0);
      assert.match(stderr, says);
      assert.equal(world.call("ADD", world.network(), { netns: world.netns(), container: "c2" }).stderr, "");
    });
  }
});
