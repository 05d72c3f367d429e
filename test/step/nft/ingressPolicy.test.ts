/**
 * ingressPolicy: which containers may open connections to a container. Witnesses: TCP clients and servers, `nft`,
 * `bridge`.
 */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, type Netns, run } from "../../support/sandbox.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { withoutHealing } from "../../support/throughAgent.ts";
import { dualStack, freshWorld, ranges, type World } from "../../support/world.ts";

const limitMs = 400;
const reaches = async (from: Netns, to: string, port: number) =>
  "seenAs" in (await tcpReach(from, to, port, { limitMs }));

/** A neighbour of the host with routes to the containers. */
function outsideOf(world: World): Netns {
  const outside = world.netns("outside");
  cable(
    { ns: world.host, ifname: "up0", cidrs: ["192.0.2.2/24"] },
    { ns: outside, ifname: "up0", cidrs: ["192.0.2.1/24"] },
  );
  outside.ip("route", "add", "10.0.0.0/8", "via", "192.0.2.2");
  return outside;
}

const guarded = (world: World, ingressPolicy: string, change: object = {}) =>
  world.network({ ingressPolicy, ipam: dualStack, ...change });
const other = (world: World, change: object = {}) =>
  world.network({ name: "other", bridge: "br1", ipam: ranges("10.8.0.0/24", "fd08::/64"), ...change });

function attached(world: World, config: object, container: string): Netns {
  const netns = world.netns();
  world.must("ADD", config, { netns, container });
  return netns;
}

/** None without such a set: it is removed with the last attachment of the host. */
const elementsOf = (world: World, set: string) =>
  (new RegExp(`set ${set} \\{[^}]*elements = \\{([^}]*)\\}`).exec(world.host.nft("list", "ruleset"))?.[1] ?? "").trim();

describe("ingressPolicy", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat", "nft fib");
  });

  for (const isBridgeFiltered of ["1", "0"]) {
    it(`same-bridge: neighbours, the host and outside come in, other bridges do not (bridge-nf-call-iptables ${isBridgeFiltered})`, async () => {
      using world = freshWorld();
      const path = "/proc/sys/net/bridge/bridge-nf-call-iptables";
      world.host.run("sh", "-c", `test ! -e ${path} || echo ${isBridgeFiltered} >${path}`);
      const outside = outsideOf(world);
      const [web, neighbour] = ["web", "neighbour"].map((name) => attached(world, guarded(world, "same-bridge"), name));
      const stranger = attached(world, other(world), "stranger");
      using server = await tcpServer(web!, "::");
      using theirs = await tcpServer(stranger, "::");
      assert.ok(await reaches(neighbour!, "10.7.0.2", server.port));
      assert.ok(await reaches(neighbour!, "fd07::2", server.port));
      assert.ok(await reaches(world.host, "10.7.0.2", server.port));
      assert.ok(await reaches(outside, "10.7.0.2", server.port));
      assert.ok(!(await reaches(stranger, "10.7.0.2", server.port)));
      assert.ok(!(await reaches(stranger, "fd07::2", server.port)));
      // Replies are let in.
      assert.ok(await reaches(web!, "10.8.0.2", theirs.port));
      assert.ok(await reaches(web!, "fd08::2", theirs.port));
    });

    it(`isolated: not even neighbours come in, on the link or through the gateway (bridge-nf-call-iptables ${isBridgeFiltered})`, async () => {
      using world = freshWorld();
      const path = "/proc/sys/net/bridge/bridge-nf-call-iptables";
      world.host.run("sh", "-c", `test ! -e ${path} || echo ${isBridgeFiltered} >${path}`);
      const outside = outsideOf(world);
      const [web, neighbour] = ["web", "neighbour"].map((name) => attached(world, guarded(world, "isolated"), name));
      const stranger = attached(world, other(world), "stranger");
      using server = await tcpServer(web!, "::");
      assert.ok(await reaches(outside, "10.7.0.2", server.port));
      assert.ok(await reaches(world.host, "10.7.0.2", server.port));
      assert.ok(!(await reaches(neighbour!, "10.7.0.2", server.port)));
      assert.ok(!(await reaches(neighbour!, "fd07::2", server.port)));
      assert.ok(!(await reaches(stranger, "10.7.0.2", server.port)));
      neighbour!.ip("route", "add", "10.7.0.2/32", "via", "10.7.0.1");
      neighbour!.ip("-6", "route", "add", "fd07::2/128", "via", "fd07::1");
      assert.ok(!(await reaches(neighbour!, "10.7.0.2", server.port)));
      assert.ok(!(await reaches(neighbour!, "fd07::2", server.port)));
    });
  }

  it("lets in connections to published ports from outside, but not between bridges with a policy", async () => {
    using world = freshWorld();
    const outside = outsideOf(world);
    const published = { runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] } };
    const web = attached(world, guarded(world, "same-bridge", published), "web");
    const strangers = [
      attached(world, other(world, { ingressPolicy: "same-bridge" }), "guarded"),
      attached(world, other(world, { name: "open", bridge: "br2", ipam: ranges("10.9.0.0/24") }), "open"),
    ];
    using _server = await tcpServer(web, "::", 80);
    assert.ok(await reaches(outside, "192.0.2.2", 8080));
    assert.ok(!(await reaches(strangers[0]!, "192.0.2.2", 8080)));
    assert.ok(await reaches(strangers[1]!, "192.0.2.2", 8080));
    assert.ok(!(await reaches(strangers[1]!, "10.7.0.2", 80)));
  });

  it("is written in one batch with the rest of the call's rules, once for all containers", () => {
    using world = freshWorld();
    const config = (hostPort: number) =>
      guarded(world, "same-bridge", {
        ipMasq: true,
        runtimeConfig: { portMappings: [{ hostPort, containerPort: 80, protocol: "tcp" }] },
      });
    const batches = (answer: { stderr: string }) => answer.stderr.split("begin an nf_tables batch").length - 1;
    const environment = { NSNET_DEBUG: "netlink" };
    const first = world.call("ADD", config(8080), { netns: world.netns(), container: "a", environment });
    assert.deepEqual([first.code, batches(first)], [0, 1]);
    const withoutElements = () =>
      world.host.nft("-s", "list", "table", "inet", "ns_net").replace(/elements = .*?\}/gs, "");
    const before = withoutElements();
    const second = world.call("ADD", config(8081), { netns: world.netns(), container: "b", environment });
    assert.deepEqual([second.code, batches(second)], [0, 1]);
    assert.equal(withoutElements(), before);
  });

  it("is compared by CHECK, restored by repair, also without the store, and removed by GC", async function () {
    withoutHealing(this);
    for (const isStoreLost of [false, true]) {
      using world = freshWorld();
      const config = guarded(world, "isolated");
      const netns = world.netns();
      const prevResult = world.must("ADD", config, { netns });
      world.must("CHECK", { ...config, prevResult }, { netns });
      if (isStoreLost) world.host.run("rm", "-r", world.dataDir);
      else world.host.nft("flush ruleset");
      const repair = () => run(world.host.inside([nsNet, "repair", "--data-dir", world.dataDir]));
      if (!isStoreLost)
        assert.match(world.call("CHECK", { ...config, prevResult }, { netns }).json.msg, /ingress-guarded/);
      repair();
      world.must("CHECK", { ...config, prevResult }, { netns });
      world.host.nft("flush chain inet ns_net ingress");
      assert.match(world.call("CHECK", { ...config, prevResult }, { netns }).json.msg, /rule ingress/);
      repair();
      world.must("CHECK", { ...config, prevResult }, { netns });
      world.must("DEL", config, { netns: "" });
      world.must("GC", { ...config, "cni.dev/valid-attachments": [] });
      assert.equal(elementsOf(world, "ingress-guarded"), "");
    }
  });

  it("changes with the configuration; networks on one bridge must agree", () => {
    using world = freshWorld();
    attached(world, guarded(world, "same-bridge"), "a");
    assert.match(elementsOf(world, "ingress-neighbours"), /"br0" \. "br0"/);
    attached(world, guarded(world, "isolated"), "b");
    assert.equal(elementsOf(world, "ingress-neighbours"), "");
    assert.match(elementsOf(world, "ingress-guarded"), /"br0" comment "isolated for podnet"/);
    world.host.run(nsNet, "repair", "--data-dir", world.dataDir);
    assert.equal(elementsOf(world, "ingress-neighbours"), "", "the older attachment decides");
    const netns = world.netns();
    const before = world.snapshot(netns);
    const second = other(world, { bridge: "br0", ingressPolicy: "same-bridge" });
    const { json } = world.call("ADD", second, { netns, container: "c" });
    assert.equal(json.code, 7);
    assert.match(json.msg, /bridge br0 is isolated for podnet/);
    assert.deepEqual({ ...world.snapshot(netns), namespaces: 0 }, { ...before, namespaces: 0 });
  });
});

describe("ingressPolicy of firewall, chained", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "iptables", "reference plugins");
  });

  function chained(world: World, container: string) {
    const plugin = join(world.dataDir, "../firewall");
    const netns = world.netns();
    const environment = { PATH: process.env.PATH ?? "" };
    const ipam = { type: "host-local", ranges: [[{ subnet: "10.7.0.0/24" }]], dataDir: `${world.dataDir}-leases` };
    const bridge = { ...world.network({ cniVersion: "1.0.0", ipam }), type: "bridge" };
    const prevResult = world.must("ADD", bridge, { netns, container, plugin: "/usr/lib/cni/bridge", environment });
    return { plugin, netns, container, bridge, prevResult, environment };
  }

  it("isolates the reference's containers; DEL needs only the names, GC removes the rest", async () => {
    using world = freshWorld();
    symlinkSync(nsNet, join(world.dataDir, "../firewall"));
    const pods = ["web", "neighbour"].map((container) => chained(world, container));
    const [web, neighbour] = pods;
    using server = await tcpServer(web!.netns);
    assert.ok(await reaches(neighbour!.netns, "10.7.0.2", server.port));
    const config = { ...web!.bridge, type: "firewall", ingressPolicy: "isolated" };
    for (const { netns, container, plugin, prevResult } of pods) {
      assert.deepEqual(world.must("ADD", { ...config, prevResult }, { netns, container, plugin }).ips, prevResult.ips);
      world.must("CHECK", { ...config, prevResult }, { netns, container, plugin });
    }
    assert.ok(!(await reaches(neighbour!.netns, "10.7.0.2", server.port)));
    assert.ok(await reaches(world.host, "10.7.0.2", server.port));
    const collect = () =>
      world.must("GC", { ...config, cniVersion: "1.1.0", "cni.dev/valid-attachments": [] }, { plugin: web!.plugin });
    for (const { container, plugin } of pods) world.must("DEL", config, { netns: "", container, plugin });
    collect();
    assert.match(elementsOf(world, "ingress-guarded"), /br0/, "containers are on the bridge");
    for (const { netns, container, bridge, environment } of pods)
      world.must("DEL", bridge, { netns, container, plugin: "/usr/lib/cni/bridge", environment });
    collect();
    assert.equal(elementsOf(world, "ingress-guarded"), "");
  });

  it("is refused without a bridge", () => {
    using world = freshWorld();
    const plugin = join(world.dataDir, "../firewall");
    symlinkSync(nsNet, plugin);
    const netns = world.netns();
    const prevResult = { cniVersion: "1.1.0", interfaces: [{ name: "eth0", sandbox: netns.path }], ips: [] };
    const config = { ...world.network({ ingressPolicy: "same-bridge" }), type: "firewall", prevResult };
    const { json } = world.call("ADD", config, { netns, plugin });
    assert.equal(json.code, 7);
    assert.match(json.details, /bridge/);
  });
});
