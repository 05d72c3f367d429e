/**
 * The host's 127.0.0.1, which a published port opens and a filter closes. Witnesses: a TCP server of the host that
 * listens only there, a container with all rights in its namespace, `tc`, `ip`.
 */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import type { Netns } from "../../support/sandbox.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { withoutHealing } from "../../support/throughAgent.ts";
import { freshWorld, ranges, type World } from "../../support/world.ts";
import { mapped, outsideOf, web } from "../ports/publishing.ts";

/** A container with NET_ADMIN prepares to send to 127.0.0.1 over its interface. */
function unchain(pod: Netns, gateway: string): void {
  pod.run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
  pod.ip("link", "set", "lo", "down");
  pod.ip("route", "flush", "table", "local");
  pod.ip("route", "add", "local", pod.ip("-4", "address", "show", "dev", "eth0")[0].addr_info[0].local, "dev", "eth0");
  pod.ip("route", "replace", "127.0.0.0/8", "via", gateway, "dev", "eth0");
}

/** True if the container reads what the host serves only to itself. */
async function reads(pod: Netns, port: number): Promise<boolean> {
  return "seenAs" in (await tcpReach(pod, "127.0.0.1", port, { limitMs: 700 }));
}

const filters = (world: World) =>
  world.host
    .ip("link", "show", "type", "veth")
    .filter(({ ifname }: { ifname: string }) => ifname.startsWith("nsv"))
    .map(({ ifname }: { ifname: string }) => world.host.run("tc", "filter", "show", "dev", ifname, "ingress"));

describe("The host's 127.0.0.1", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib", "tbf", "ifb");
  });

  it("is closed to containers that came before and after a published port, when all rules are flushed", async () => {
    for (const bridgeFilters of ["0", "1"]) {
      using world = freshWorld();
      const outside = outsideOf(world);
      const [before, holder, after] = [world.netns(), world.netns(), world.netns()];
      world.must("ADD", world.network(), { netns: before, container: "before" });
      world.must("ADD", world.network(mapped(web)), { netns: holder, container: "holder" });
      world.must("ADD", world.network(), { netns: after, container: "after" });
      world.host.run("sh", "-c", `echo ${bridgeFilters} > /proc/sys/net/bridge/bridge-nf-call-iptables || true`);
      using server = await tcpServer(world.host, "127.0.0.1");
      using _web = await tcpServer(holder, "0.0.0.0", 80);
      assert.deepEqual(await tcpReach(world.host, "127.0.0.1", 8080), { seenAs: "10.7.0.1" });
      assert.deepEqual(await tcpReach(outside, "192.0.2.2", 8080), { seenAs: "192.0.2.1" });
      world.host.nft("flush ruleset");
      assert.equal(world.host.sysctl("net/ipv4/conf/br0/route_localnet"), "1");
      for (const pod of [before, holder, after]) {
        unchain(pod, "10.7.0.1");
        assert.equal(await reads(pod, server.port), false);
      }
    }
  });

  it("is read by such a container without a filter, so that this test can fail", async function () {
    withoutHealing(this);
    using world = freshWorld();
    const pod = world.netns();
    world.must("ADD", world.network(mapped(web)), { netns: pod });
    using server = await tcpServer(world.host, "127.0.0.1");
    unchain(pod, "10.7.0.1");
    assert.equal(await reads(pod, server.port), false);
    world.host.nft("flush ruleset");
    const [{ ifname }] = world.host.ip("link", "show", "master", "br0");
    world.host.run("tc", "qdisc", "del", "dev", ifname, "ingress");
    assert.equal(await reads(pod, server.port), true);
  });

  it("is closed on a ptp link, and beside a limit of what the container sends, in either order", async () => {
    using world = freshWorld();
    const limit = { capabilities: { portMappings: true, bandwidth: true } };
    const both = {
      ...limit,
      runtimeConfig: { ...mapped(web).runtimeConfig, bandwidth: { egressRate: 80_000_000, egressBurst: 8_000_000 } },
    };
    const pods = [world.netns(), world.netns(), world.netns()];
    world.must("ADD", world.network(both), { netns: pods[0]!, container: "a" });
    world.must("ADD", world.network({ ...both, runtimeConfig: { bandwidth: both.runtimeConfig.bandwidth } }), {
      netns: pods[1]!,
      container: "b",
    });
    const ptp = world.network({ type: "ptp", name: "ptp", ipam: ranges("10.9.0.0/24") });
    world.must("ADD", { ...ptp, ...mapped({ ...web, hostPort: 8081 }) }, { netns: pods[2]!, container: "p" });
    using server = await tcpServer(world.host, "127.0.0.1");
    using _web = await tcpServer(pods[0]!, "0.0.0.0", 80);
    assert.deepEqual(await tcpReach(world.host, "127.0.0.1", 8080), { seenAs: "10.7.0.1" });
    for (const text of filters(world).slice(0, 2))
      assert.match(text, /fh 800::1 [\s\S]*nsnet-closed[\s\S]*fh 800::800 [\s\S]*nsb/);
    world.host.nft("flush ruleset");
    for (const [i, pod] of pods.entries()) {
      unchain(pod, i < 2 ? "10.7.0.1" : "10.9.0.1");
      assert.equal(await reads(pod, server.port), false, `pod ${i}`);
    }
  });

  it("is compared by CHECK and repaired by repair, and the link that is never up is removed with the last attachment", function () {
    withoutHealing(this);
    using world = freshWorld();
    const netns = world.netns();
    const prevResult = world.must("ADD", world.network(mapped(web)), { netns });
    const [{ ifname }] = world.host.ip("link", "show", "master", "br0");
    world.host.run("tc", "qdisc", "del", "dev", ifname, "ingress");
    const check = () => world.call("CHECK", { ...world.network(mapped(web)), prevResult }, { netns });
    assert.match(check().json.msg, /filter of nsv\w+ that keeps containers from 127\.0\.0\.0\/8 is missing/);
    world.host.run(nsNet, "repair", "--data-dir", world.dataDir);
    assert.equal(check().stdout, "");
    assert.match(filters(world).join(), /match 7f000000\/ff000000 at 16/);
    world.must("DEL", world.network(), { netns });
    world.must("GC", { ...world.network(), "cni.dev/valid-attachments": [] });
    assert.deepEqual(
      world.host.ip("link").map((one: { ifname: string }) => one.ifname),
      ["lo"],
    );
  });

  it("adds nothing to an attachment without ports: no filter, no link", () => {
    using world = freshWorld();
    world.must("ADD", world.network(), { netns: world.netns() });
    assert.deepEqual(filters(world), [""]);
    world.must("ADD", world.network(mapped({ ...web, hostIP: "192.0.2.9" })), {
      netns: world.netns(),
      container: "c2",
    });
    assert.deepEqual(filters(world), ["", ""]);
    assert.equal(world.host.sysctl("net/ipv4/conf/br0/route_localnet"), "0");
  });
});
