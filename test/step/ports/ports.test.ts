/** Published ports, with traffic from everywhere. Witnesses: TCP clients and servers, `nft`, a UDP flow that never stops. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import type { Netns } from "../../support/sandbox.ts";
import { sctpChecksum, sctpInit } from "../../support/sctp.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { isThroughAgent, withoutHealing } from "../../support/throughAgent.ts";
import { dualStack, freshWorld, ourLinks, ranges } from "../../support/world.ts";
import { elements, mapped, outsideOf, web } from "./publishing.ts";

describe("A published port", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat", "nft fib");
  });

  it("is reached from outside, from the host, from 127.0.0.1, from the container and from its neighbour", async () => {
    using world = freshWorld();
    const outside = outsideOf(world);
    const [pod, neighbour] = [world.netns(), world.netns()];
    world.must("ADD", world.network({ ipam: dualStack, ...mapped(web) }), { netns: pod, container: "web" });
    world.must("ADD", world.network({ ipam: dualStack }), { netns: neighbour, container: "other" });
    using _four = await tcpServer(pod, "::", 80);
    const seen = async (from: Netns, to: string) => await tcpReach(from, to, 8080);
    assert.deepEqual(await seen(outside, "192.0.2.2"), { seenAs: "192.0.2.1" });
    assert.deepEqual(await seen(outside, "2001:db8::2"), { seenAs: "2001:db8::1" });
    assert.deepEqual(await seen(world.host, "192.0.2.2"), { seenAs: "10.7.0.1" });
    assert.deepEqual(await seen(world.host, "2001:db8::2"), { seenAs: "fd07::1" });
    assert.deepEqual(await seen(world.host, "127.0.0.1"), { seenAs: "10.7.0.1" });
    assert.deepEqual(await seen(pod, "192.0.2.2"), { seenAs: "10.7.0.1" });
    assert.deepEqual(await seen(neighbour, "192.0.2.2"), { seenAs: "10.7.0.1" });
    assert.deepEqual(await seen(neighbour, "10.7.0.1"), { seenAs: "10.7.0.1" });
    assert.ok("failed" in (await seen(world.host, "::1")), "nothing can be led away from ::1");
  });

  it("does not affect connections through the host to the same port of another machine", async () => {
    using world = freshWorld();
    const outside = outsideOf(world);
    const pod = world.netns();
    world.must("ADD", world.network(mapped(web)), { netns: pod });
    outside.ip("route", "add", "10.7.0.0/24", "via", "192.0.2.2");
    using _server = await tcpServer(outside, "0.0.0.0", 8080);
    assert.deepEqual(await tcpReach(pod, "192.0.2.1", 8080), { seenAs: "10.7.0.2" });
  });

  it("keeps the source of connections that another program translates to a container", () => {
    using world = freshWorld();
    const [pod, caller] = [world.netns(), world.netns()];
    const config = world.network({ isDefaultGateway: true });
    world.must("ADD", { ...config, ...mapped(web) }, { netns: pod });
    world.must("ADD", config, { netns: caller, container: "c2" });
    // As kube-proxy does it; packets that leave the host are counted by their source.
    world.host.nft(`table ip services {
      chain to { type nat hook prerouting priority dstnat; ip daddr 10.96.0.10 udp dport 53 dnat to 10.7.0.2:81; }
      chain seen { type filter hook postrouting priority 300; udp dport 81 ip saddr 10.7.0.3 counter; }
    }`);
    caller.run("bash", "-c", "echo > /dev/udp/10.96.0.10/53");
    assert.match(world.host.nft("list", "chain", "ip", "services", "seen"), /counter packets 1 /);
  });

  it("on an address of the host comes before the same port of all", async () => {
    using world = freshWorld();
    const outside = outsideOf(world);
    const pod = world.netns();
    const ports = mapped({ ...web, hostIP: "::ffff:192.0.2.3", containerPort: 81 }, web, { ...web, hostIP: "0.0.0.0" });
    world.must("ADD", world.network(ports), { netns: pod });
    using _one = await tcpServer(pod, "0.0.0.0", 81);
    assert.deepEqual(await tcpReach(outside, "192.0.2.3", 8080), { seenAs: "192.0.2.1" });
    assert.ok("failed" in (await tcpReach(outside, "192.0.2.2", 8080)));
    using _all = await tcpServer(pod, "0.0.0.0", 80);
    assert.deepEqual(await tcpReach(outside, "192.0.2.2", 8080), { seenAs: "192.0.2.1" });
  });

  it("on an address of a family that the container lacks is left out", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", world.network(mapped({ ...web, hostIP: "2001:db8::2" }, { ...web, hostPort: 81 })), { netns });
    assert.deepEqual(
      elements(world).map((line) => / 81 /.test(line) || /"br0"/.test(line)),
      [true, true],
    );
    world.must("DEL", world.network(), { netns });
    assert.deepEqual(elements(world), []);
  });

  it("on one address of the host is on no other", async () => {
    using world = freshWorld();
    const outside = outsideOf(world);
    const pods = [world.netns(), world.netns()];
    for (const [i, hostIP] of ["192.0.2.2", "192.0.2.3"].entries()) {
      const config = world.network(mapped({ ...web, hostIP, containerPort: 80 + i }));
      world.must("ADD", config, { netns: pods[i]!, container: `c${i}` });
    }
    using _first = await tcpServer(pods[0]!, "0.0.0.0", 80);
    using _second = await tcpServer(pods[1]!, "0.0.0.0", 81);
    assert.deepEqual(await tcpReach(outside, "192.0.2.2", 8080), { seenAs: "192.0.2.1" });
    assert.deepEqual(await tcpReach(outside, "192.0.2.3", 8080), { seenAs: "192.0.2.1" });
    assert.ok("failed" in (await tcpReach(world.host, "127.0.0.1", 8080)));
  });

  it("may be one of a range", async () => {
    using world = freshWorld();
    const outside = outsideOf(world);
    const pod = world.netns();
    world.must("ADD", world.network(mapped({ hostPort: 7000, containerPort: 9000, protocol: "tcp", range: 300 })), {
      netns: pod,
    });
    using _server = await tcpServer(pod, "0.0.0.0", 9299);
    assert.deepEqual(await tcpReach(outside, "192.0.2.2", 7299), { seenAs: "192.0.2.1" });
    // The rules may be of an earlier version, with another name for this.
    world.host.nft("flush chain inet ns_net ports-ready-3; delete chain inet ns_net ports-ready-3");
    world.must("DEL", world.network(), { netns: pod });
    assert.deepEqual(elements(world), []);
  });

  it("with masqAll, shows the container only the host, and its neighbour the caller", async () => {
    for (const isStoreLost of [false, true]) {
      using world = freshWorld();
      const outside = outsideOf(world);
      const [pod, neighbour] = [world.netns(), world.netns()];
      const config = world.network({ ipam: dualStack, masqAll: true, ...mapped(web) });
      const prevResult = world.must("ADD", config, { netns: pod });
      const open = world.network({ ipam: dualStack, ...mapped({ ...web, hostPort: 8081 }) });
      world.must("ADD", open, { netns: neighbour, container: "c2" });
      using _server = await tcpServer(pod, "::", 80);
      using _other = await tcpServer(neighbour, "::", 80);
      assert.deepEqual(await tcpReach(outside, "192.0.2.2", 8080), { seenAs: "10.7.0.1" });
      assert.deepEqual(await tcpReach(outside, "2001:db8::2", 8080), { seenAs: "fd07::1" });
      assert.deepEqual(await tcpReach(outside, "192.0.2.2", 8081), { seenAs: "192.0.2.1" });
      world.must("CHECK", { ...config, prevResult }, { netns: pod });
      if (!isThroughAgent) {
        world.host.nft("flush set inet ns_net ports-masquerade-all4"); // an agent puts it back
        assert.match(world.call("CHECK", { ...config, prevResult }, { netns: pod }).json.msg, /ports-masquerade-all4/);
      }
      if (isStoreLost) world.host.run("rm", "-r", world.dataDir);
      world.must("DEL", world.network(), { netns: "" });
      assert.doesNotMatch(elements(world).join(), /c1/);
      world.must("GC", { ...open, "cni.dev/valid-attachments": [] });
      assert.deepEqual(elements(world), []);
    }
  });

  it("with conditions accepts packets that meet all of them, by one call and by portmap, and DEL needs neither", async () => {
    const conditions = {
      conditionsV4: ["!", "-d", "192.0.2.3", "-i", "up0"],
      conditionsV6: ["ip6 saddr != 2001:db8::/64"],
    };
    for (const isChain of [false, true]) {
      using world = freshWorld();
      const outside = outsideOf(world);
      const [pod, open] = [world.netns(), world.netns()];
      const own = { ...conditions, ...mapped(web) };
      const config = world.network({ ipam: dualStack, ...(!isChain && own) });
      let prevResult = world.must("ADD", config, { netns: pod });
      const { name, cniVersion, dataDir } = config as { name: string; cniVersion: string; dataDir: string };
      const portmap = { name, cniVersion, dataDir, type: "portmap", ...own };
      if (isChain) prevResult = world.must("ADD", { ...portmap, prevResult }, { netns: pod });
      const unconditional = world.network({
        name: "open",
        ipam: ranges("10.9.0.0/24"),
        ...mapped({ ...web, hostPort: 8081 }),
      });
      world.must("ADD", unconditional, { netns: open, container: "open" });
      using _server = await tcpServer(pod, "::", 80);
      using _other = await tcpServer(open, "::", 80);
      const isServed = async (from: Netns, to: string, port = 8080) => "seenAs" in (await tcpReach(from, to, port));
      assert.equal(await isServed(outside, "192.0.2.2"), true, "fits both");
      assert.equal(await isServed(outside, "192.0.2.3"), false, "to the address that is left out");
      assert.equal(await isServed(world.host, "192.0.2.2"), false, "comes in by no interface");
      assert.equal(await isServed(outside, "2001:db8::2"), false, "from the network that is left out");
      assert.equal(await isServed(world.host, "fd07::1"), true, "from another one");
      assert.equal(await isServed(outside, "192.0.2.3", 8081), true, "another container's port");
      const checked = isChain ? portmap : config;
      world.must("CHECK", { ...checked, prevResult }, { netns: pod });
      if (!isThroughAgent) {
        world.host.nft("flush chain inet ns_net ports-except"); // an agent puts it back
        assert.match(world.call("CHECK", { ...checked, prevResult }, { netns: pod }).json.msg, /ports-except/);
      }
      world.must("DEL", { ...portmap, ...mapped(), conditionsV4: [] }, { netns: "" });
      world.must("DEL", world.network(), { netns: "" });
      assert.doesNotMatch(elements(world).join(), /c1/);
    }
  });

  it("with a set in its conditions accepts packets that match any of it, or none if negated", async () => {
    for (const [condition, isServed] of [
      ["ip saddr { 10.0.0.0/8, 192.0.2.0/24 }", true],
      ["ip saddr { 10.0.0.0/8, 198.51.100.0/24 }", false],
      ["ip saddr != { 10.0.0.0/8, 198.51.100.0/24 }", true],
      ["ip saddr != { 192.0.2.1, 10.0.0.0/8 }", false],
      ['iifname { "lo", "up0" }', true],
    ] as const) {
      using world = freshWorld();
      const outside = outsideOf(world);
      const netns = world.netns();
      const config = world.network({ conditionsV4: [condition], ...mapped(web) });
      const prevResult = world.must("ADD", config, { netns });
      using _server = await tcpServer(netns, "0.0.0.0", 80);
      const reached = await tcpReach(outside, "192.0.2.2", 8080, { limitMs: 1000 });
      assert.equal("seenAs" in reached, isServed, condition);
      world.must("CHECK", { ...config, prevResult }, { netns });
      world.must("DEL", world.network(), { netns });
      assert.deepEqual(elements(world), []);
    }
  });

  it("with conditions leaves no rule after GC if the store is lost", () => {
    using world = freshWorld();
    const config = world.network({ conditionsV4: ["-s", "192.0.2.0/24"], ...mapped(web) });
    world.must("ADD", config, { netns: world.netns() });
    assert.match(elements(world).join("\n"), /ip saddr != 192\.0\.2\.0\/24 .*accept comment "nsv/);
    world.host.run("rm", "-r", world.dataDir);
    world.must("GC", { ...world.network(), "cni.dev/valid-attachments": [] });
    assert.deepEqual(elements(world), []);
  });

  it("of SCTP leads an INIT to the container's port, its checksum right", async function () {
    needs(this, "socat");
    using world = freshWorld();
    const outside = outsideOf(world);
    const pod = world.netns();
    world.must("ADD", world.network(mapped({ hostPort: 9000, containerPort: 38412, protocol: "sctp" })), {
      netns: pod,
    });
    const [heard, ports] = await sctpInit(outside, "192.0.2.2", 9000, pod);
    assert.deepEqual(ports, { source: 5000, destination: 38412 });
    assert.equal(heard.readUInt32LE(8), sctpChecksum(heard));
    world.must("DEL", world.network(), { netns: "" });
    assert.deepEqual(elements(world), []);
  });

  it("is in a ruleset that a person can save and load again", async function () {
    withoutHealing(this);
    using world = freshWorld();
    const outside = outsideOf(world);
    const pod = world.netns();
    const config = world.network({ ...mapped(web), masqAll: true, ingressPolicy: "same-bridge", macspoofchk: true });
    world.must("ADD", config, { netns: pod });
    using _server = await tcpServer(pod, "0.0.0.0", 80);
    const saved = join(world.dataDir, "../saved.nft");
    writeFileSync(saved, `flush ruleset\n${world.host.nft("list", "ruleset")}`);
    const before = world.host.nft("list", "ruleset");
    world.host.nft("flush", "ruleset");
    assert.ok("failed" in (await tcpReach(outside, "192.0.2.2", 8080, { limitMs: 300 })));
    world.host.nft("-f", saved);
    assert.equal(world.host.nft("list", "ruleset"), before);
    assert.deepEqual(await tcpReach(outside, "192.0.2.2", 8080), { seenAs: "10.7.0.1" });
  });

  it("is removed with its attachment alone, without portMappings, without a namespace, and without the store", () => {
    for (const isStoreLost of [false, true]) {
      using world = freshWorld();
      const netns = world.netns();
      world.must("ADD", world.network(mapped(web)), { netns, ifname: "eth0" });
      const second = world.network({ ...mapped({ ...web, hostPort: 8081 }), name: "second", bridge: "br1" });
      world.must("ADD", { ...second, ipam: { type: "ns-net", subnet: "10.8.0.0/24" } }, { netns, ifname: "eth1" });
      if (isStoreLost) world.host.run("rm", "-r", world.dataDir);
      world.must("DEL", world.network(), { netns: "", ifname: "eth0" });
      assert.match(elements(world).join(), /8081/);
      assert.doesNotMatch(elements(world).join(), /8080/);
      world.must("DEL", { ...world.network(), name: "second" }, { netns: "", ifname: "eth1" });
      assert.deepEqual(elements(world), []);
    }
  });

  it("of a container that is gone is free for the next", async () => {
    using world = freshWorld();
    const outside = outsideOf(world);
    const first = world.netns();
    world.must("ADD", world.network(mapped(web)), { netns: first, container: "first" });
    first[Symbol.dispose]();
    // The kernel removes the links of a dead namespace a while later; until then the port is refused with code 11.
    for (let tries = 0; ourLinks(world.host).length > 0 && tries < 500; tries++) await Bun.sleep(10);
    const pod = world.netns();
    world.must("ADD", world.network(mapped(web)), { netns: pod, container: "second" });
    using _server = await tcpServer(pod, "0.0.0.0", 80);
    assert.deepEqual(await tcpReach(outside, "192.0.2.2", 8080), { seenAs: "192.0.2.1" });
    world.must("DEL", world.network(), { netns: "", container: "first" });
    assert.deepEqual(await tcpReach(outside, "192.0.2.2", 8080), { seenAs: "192.0.2.1" });
  });

  it("is removed by GC", () => {
    using world = freshWorld();
    world.must("ADD", world.network(mapped(web)), { netns: world.netns(), container: "a" });
    world.must("ADD", world.network(mapped({ ...web, hostPort: 8081 })), { netns: world.netns(), container: "b" });
    const valid = [{ containerID: "b", ifname: "eth0" }];
    world.must("GC", { ...world.network(), "cni.dev/valid-attachments": valid });
    assert.match(elements(world).join(), /8081/);
    assert.doesNotMatch(elements(world).join(), /8080/);
  });

  it("is compared by CHECK", function () {
    withoutHealing(this);
    using world = freshWorld();
    const netns = world.netns();
    const config = world.network(mapped(web));
    const prevResult = world.must("ADD", config, { netns });
    world.must("CHECK", { ...config, prevResult }, { netns });
    world.host.nft("delete element inet ns_net ports4 { tcp . 8080 }");
    const { code, json } = world.call("CHECK", { ...config, prevResult }, { netns });
    assert.notEqual(code, 0);
    assert.match(json.msg, /port 8080\/tcp/);
  });

  it("leaves 127.0.0.1 of the host closed to containers", async () => {
    using world = freshWorld();
    const pod = world.netns();
    world.must("ADD", world.network(mapped(web)), { netns: pod });
    using server = await tcpServer(world.host, "127.0.0.1");
    pod.run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
    pod.ip("address", "del", "127.0.0.1/8", "dev", "lo");
    pod.ip("route", "add", "127.0.0.1/32", "via", "10.7.0.1");
    assert.ok("failed" in (await tcpReach(pod, "127.0.0.1", server.port, { limitMs: 500 })));
  });
});
