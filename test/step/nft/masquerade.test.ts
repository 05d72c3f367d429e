/** Masquerade and traffic. Witness: a namespace that plays the internet, `nft`, `ping`, `strace`. */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, type Netns, run } from "../../support/sandbox.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { withoutHealing } from "../../support/throughAgent.ts";
import { dualStack, freshWorld, type World } from "../../support/world.ts";

/** 192.0.2.1 and 2001:db8::1, with routes back to the containers, so that a source without translation is seen. */
function internet(world: World): Netns {
  const outside = world.netns("outside");
  // A real uplink has been up for long: its link-local address is not tentative any more, so neighbours are solicited.
  const detection = (value: number) => world.host.run("sysctl", "-qw", `net.ipv6.conf.default.accept_dad=${value}`);
  detection(0);
  cable(
    { ns: world.host, ifname: "up0", cidrs: ["192.0.2.2/24", "2001:db8::2/64"] },
    { ns: outside, ifname: "up0", cidrs: ["192.0.2.1/24", "2001:db8::1/64"] },
  );
  detection(1);
  world.host.ip("route", "add", "default", "via", "192.0.2.1");
  world.host.ip("-6", "route", "add", "default", "via", "2001:db8::1");
  outside.ip("route", "add", "10.7.0.0/24", "via", "192.0.2.2");
  outside.ip("-6", "route", "add", "fd07::/64", "via", "2001:db8::2");
  return outside;
}

const seenBy = async (server: Netns, address: string, client: Netns) => {
  using listening = await tcpServer(server, address.includes(":") ? "::" : "0.0.0.0");
  return await tcpReach(client, address, listening.port);
};

/** `nft list ruleset` with counters and handles, so that any write would show. */
const ruleset = (world: World) => world.host.nft("-a", "list", "ruleset");

describe("Traffic", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat", "ping");
  });

  for (const [ipMasq, four, six] of [
    [true, "192.0.2.2", "2001:db8::2"],
    [false, "10.7.0.2", "fd07::2"],
  ] as const) {
    it(`with ipMasq ${ipMasq} the internet sees ${four} and ${six}`, async () => {
      using world = freshWorld();
      const outside = internet(world);
      const pod = world.netns();
      world.must("ADD", world.network({ ipMasq, ipam: dualStack }), { netns: pod });
      assert.deepEqual(await seenBy(outside, "192.0.2.1", pod), { seenAs: four });
      assert.deepEqual(await seenBy(outside, "2001:db8::1", pod), { seenAs: six });
    });
  }

  it("keeps its source if a person's rule before ours accepts it", async () => {
    using world = freshWorld();
    const outside = internet(world);
    const pod = world.netns();
    const config = world.network({ ipMasq: true, ipam: dualStack });
    const prevResult = world.must("ADD", config, { netns: pod });
    const chain = /chain (masquerade-\S+)/.exec(ruleset(world))![1];
    world.host.nft(`insert rule inet ns_net ${chain} ip daddr 192.0.2.0/24 accept`);
    assert.deepEqual(await seenBy(outside, "192.0.2.1", pod), { seenAs: "10.7.0.2" });
    assert.deepEqual(await seenBy(outside, "2001:db8::1", pod), { seenAs: "2001:db8::2" });
    world.must("CHECK", { ...config, prevResult }, { netns: pod });
    const before = ruleset(world);
    world.must("ADD", config, { netns: world.netns(), container: "c2" });
    assert.equal(ruleset(world), before);
  });

  it("inside the network is never masqueraded, on any path", async () => {
    using world = freshWorld();
    internet(world);
    const [a, b] = [world.netns(), world.netns()];
    const config = world.network({ ipMasq: true, ipam: dualStack });
    world.must("ADD", config, { netns: a, container: "a" });
    world.must("ADD", config, { netns: b, container: "b" });
    assert.deepEqual(await seenBy(b, "10.7.0.3", a), { seenAs: "10.7.0.2" });
    assert.deepEqual(await seenBy(b, "fd07::3", a), { seenAs: "fd07::2" });
    assert.deepEqual(await seenBy(world.host, "10.7.0.1", a), { seenAs: "10.7.0.2" });
  });

  for (const isBridgeFiltered of [true, false]) {
    it(`that stays on the bridge keeps its source, behind a container that leads on (bridge-nf-call-iptables ${isBridgeFiltered})`, async () => {
      using world = freshWorld();
      internet(world);
      for (const name of ["iptables", "ip6tables"]) {
        const path = `/proc/sys/net/bridge/bridge-nf-call-${name}`;
        world.host.run("sh", "-c", `test ! -e ${path} || echo ${Number(isBridgeFiltered)} > ${path}`);
      }
      const [a, b] = [world.netns(), world.netns()];
      const config = world.network({ ipMasq: true, ipam: dualStack });
      world.must("ADD", config, { netns: a, container: "a" });
      world.must("ADD", config, { netns: b, container: "b" });
      for (const address of ["10.9.0.1/32", "fd09::1/128"]) b.ip("address", "add", address, "dev", "lo");
      a.ip("route", "add", "10.9.0.0/24", "via", "10.7.0.3");
      a.ip("-6", "route", "add", "fd09::/64", "via", "fd07::3");
      assert.deepEqual(await seenBy(b, "10.9.0.1", a), { seenAs: "10.7.0.2" });
      assert.deepEqual(await seenBy(b, "fd09::1", a), { seenAs: "fd07::2" });
    });
  }

  it("to a multicast group is excepted, in the rules as nft reads them", () => {
    using world = freshWorld();
    world.must("ADD", world.network({ ipMasq: true, ipam: dualStack }), { netns: world.netns() });
    const rules = world.host.nft("list", "ruleset").match(/.*masquerade comment.*/g);
    assert.deepEqual(
      rules?.map((rule) => rule.replace(/ masquerade.*/, "").trim()),
      [
        "ip saddr 10.7.0.0/24 ip daddr != 10.7.0.0/24 ip daddr != 224.0.0.0/4",
        "ip6 saddr fd07::/64 ip6 daddr != fd07::/64 ip6 daddr != ff00::/8",
      ],
    );
  });

  it("reaches an address of the container itself through the bridge (hairpin)", async () => {
    using world = freshWorld();
    const pod = world.netns();
    world.must("ADD", world.network({ ipMasq: true }), { netns: pod });
    using server = await tcpServer(pod, "0.0.0.0", 8080);
    world.host.nft(
      "add table ip service; add chain ip service in { type nat hook prerouting priority -100; }; " +
        "add chain ip service out { type nat hook postrouting priority 50; }; " +
        "add rule ip service in ip daddr 10.96.0.1 tcp dport 80 dnat to 10.7.0.2:8080; " +
        "add rule ip service out ip saddr 10.7.0.2 ip daddr 10.7.0.2 masquerade",
    );
    assert.equal(server.port, 8080);
    assert.deepEqual(await tcpReach(pod, "10.96.0.1", 80), { seenAs: "10.7.0.1" });
  });

  it("flows with the very first packet after ADD, IPv4 and IPv6", () => {
    using world = freshWorld();
    const config = world.network({ ipam: dualStack });
    for (const container of ["c1", "c2", "c3"]) {
      const netns = world.netns();
      const { ips } = world.must("ADD", config, { netns, container });
      // One packet each; a lost ARP or neighbour request would be repeated after a second.
      for (const to of ["10.7.0.1", "fd07::1"]) {
        assert.match(netns.run("ping", "-c1", "-W0.9", to), /1 received/);
      }
      assert.equal(ips.length, 2);
    }
  });

  it("from outside flows with the first packet after ADD, over IPv6 too", () => {
    using world = freshWorld();
    const outside = internet(world);
    world.must("ADD", world.network({ ipam: dualStack }), { netns: world.netns() });
    for (const to of ["10.7.0.2", "fd07::2"]) assert.match(outside.run("ping", "-c1", "-W0.9", to), /1 received/);
  });

  it("over IPv6 needs no wait for duplicate address detection without enabledad", () => {
    using world = freshWorld();
    const flagsOf = (netns: Netns) =>
      netns
        .ip("-6", "address", "show", "dev", "eth0", "scope", "global")
        .flatMap(({ addr_info }) => addr_info)
        .filter(({ local }) => local !== undefined)
        .map(({ nodad, tentative }) => ({ nodad, tentative }));
    const [quick, careful] = [world.netns(), world.netns()];
    world.must("ADD", world.network({ ipam: dualStack }), { netns: quick, container: "quick" });
    assert.deepEqual(flagsOf(quick), [{ nodad: true, tentative: undefined }]);
    const startMs = performance.now();
    world.must("ADD", world.network({ ipam: dualStack, enabledad: true }), { netns: careful, container: "careful" });
    assert.ok(performance.now() - startMs < 8000, "the kernel's notification was not heard");
    assert.deepEqual(flagsOf(careful), [{ nodad: undefined, tentative: undefined }]);
    for (const netns of [quick, careful]) {
      const [{ addr_info: all }] = netns.ip("-6", "address", "show", "dev", "eth0", "scope", "link");
      assert.equal(all[0].tentative, undefined, "its link-local address cannot be used");
    }
  });

  it("enabledad refuses an address that another machine on the link has", () => {
    using world = freshWorld();
    const [first, second] = [world.netns(), world.netns()];
    const config = world.network({ ipam: dualStack, enabledad: true });
    world.must("ADD", world.network({ ipam: dualStack }), { netns: first, container: "first" });
    first.ip("address", "add", "fd07::3/64", "dev", "eth0", "nodad");
    const before = world.snapshot(second);
    const { json } = world.call("ADD", config, { netns: second, container: "second" });
    assert.equal(json.code, 11);
    assert.match(json.msg, /Cannot use fd07::3 on eth0: another machine on the link has it/);
    assert.deepEqual(world.snapshot(second), before);
  });
});

describe("Rules of nf_tables", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat");
  });

  it("are the same before and after the second ADD, handles included", () => {
    using world = freshWorld();
    const config = world.network({ ipMasq: true, ipam: dualStack });
    world.must("ADD", config, { netns: world.netns(), container: "c1" });
    const before = ruleset(world);
    assert.match(before, /masquerade/);
    world.must("ADD", config, { netns: world.netns(), container: "c2" });
    assert.equal(ruleset(world), before);
  });

  it("of an earlier version, which masqueraded packets on the bridge, are replaced by the next ADD", function () {
    withoutHealing(this);
    using world = freshWorld();
    const config = world.network({ ipMasq: true, ipam: dualStack });
    world.must("ADD", config, { netns: world.netns(), container: "c1" });
    const written = world.host.nft("list", "ruleset");
    const [, chain, handle] = /chain (masquerade-\S+)[^}]* return # handle (\d+)/.exec(ruleset(world))!;
    world.host.nft(`delete rule inet ns_net ${chain} handle ${handle}`);
    assert.notEqual(world.host.nft("list", "ruleset"), written);
    world.must("ADD", config, { netns: world.netns(), container: "c2" });
    assert.equal(world.host.nft("list", "ruleset"), written);
  });

  it("are not written at all by the second ADD", function () {
    needs(this, "strace");
    using world = freshWorld();
    const config = world.network({ ipMasq: true });
    const writes = (container: string) => {
      const trace = `${world.dataDir}-${container}.trace`;
      const netns = world.netns();
      const environment = {
        CNI_COMMAND: "ADD",
        CNI_CONTAINERID: container,
        CNI_IFNAME: "eth0",
        CNI_NETNS: netns.path,
        CNI_PATH: "/nowhere",
      };
      const { exitCode } = Bun.spawnSync(
        world.host.inside(["strace", "-f", "-o", trace, "-e", "trace=sendto,sendmsg,write", nsNet]),
        { env: { ...environment, PATH: process.env.PATH! }, stdin: Buffer.from(JSON.stringify(config)) },
      );
      assert.equal(exitCode, 0);
      return [...run(["cat", trace]).matchAll(/NFNL_MSG_BATCH_BEGIN|NFT_MSG_NEW\w+|NFT_MSG_DEL\w+/g)].map(
        ([name]) => name,
      );
    };
    assert.ok(writes("c1").includes("NFNL_MSG_BATCH_BEGIN"), "strace does not name nf_tables messages");
    assert.deepEqual(writes("c2"), []);
  });

  it("of other programs are not changed by ADD, DEL and GC", () => {
    using world = freshWorld();
    world.host.nft(
      "add table inet filter; add chain inet filter forward { type filter hook forward priority 0; policy accept; }; " +
        "add rule inet filter forward ct state established accept; " +
        "add table ip nat; add chain ip nat POSTROUTING { type nat hook postrouting priority 100; }; " +
        "add rule ip nat POSTROUTING ip saddr 10.7.0.0/24 accept; add table inet ns_net_of_somebody",
    );
    const before = ruleset(world);
    const config = world.network({ ipMasq: true });
    const netns = world.netns();
    const theirs = () => ["inet filter", "ip nat"].map((table) => world.host.nft("-a", "list", "table", table));
    const [filter, nat] = theirs();
    world.must("ADD", config, { netns });
    assert.notEqual(ruleset(world), before);
    assert.deepEqual(theirs(), [filter, nat]);
    world.must("DEL", config, { netns });
    world.must("GC", { ...config, "cni.dev/valid-attachments": [] });
    assert.equal(ruleset(world), before);
  });

  it("of a network whose subnets changed are added for the new ones", async () => {
    using world = freshWorld();
    const outside = internet(world);
    outside.ip("route", "add", "10.8.0.0/24", "via", "192.0.2.2");
    const other = { type: "ns-net", ranges: [[{ subnet: "10.8.0.0/24" }]] };
    world.must("ADD", world.network({ ipMasq: true }), { netns: world.netns(), container: "c1" });
    const pod = world.netns();
    world.must("ADD", world.network({ ipMasq: true, ipam: other }), { netns: pod, container: "c2" });
    assert.deepEqual(await seenBy(outside, "192.0.2.1", pod), { seenAs: "192.0.2.2" });
  });

  it("exist once if many first ADDs come at the same moment", async () => {
    using world = freshWorld();
    const { startPlugin } = await import("../../support/plugin.ts");
    const config = world.network({ ipMasq: true, ipam: dualStack });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => {
        const netns = world.netns();
        return startPlugin({ command: "ADD", host: world.host, config, netns, container: `c${i}` }).answer;
      }),
    );
    assert.deepEqual(
      answers.map(({ code, stdout }) => (code === 0 ? 0 : stdout)),
      Array(8).fill(0),
    );
    assert.equal(ruleset(world).match(/masquerade comment/g)?.length, 2);
    const addresses = answers.map(({ json }) => json.ips[0].address);
    assert.equal(new Set(addresses).size, 8);
  });
});
