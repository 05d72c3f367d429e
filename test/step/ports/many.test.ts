/**
 * Thousands of published ports, as servers of SIP, RTP and TURN need. Witnesses: `nft`, UDP and TCP traffic, `strace`.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { run } from "../../support/sandbox.ts";
import { skip } from "../../support/skip.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { udpFlow, udpServer } from "../../support/udp.ts";
import { freshWorld, type World } from "../../support/world.ts";
import { elements, mapped, outsideOf } from "./publishing.ts";

const row = (range: number, change: object = {}) => mapped({ hostPort: 10000, containerPort: 10000, range, ...change });

/** The number of elements that lead to a container, as nft counts them. */
const published = (world: World, map = "ports4") => {
  const text = world.host.nft("-j", "list", "map", "inet", "ns_net", map);
  return (JSON.parse(text).nftables[1].map.elem ?? []).length as number;
};

describe("Many ports", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib");
  });

  for (const [what, containerPort] of [
    ["by their own numbers", 10000],
    ["by other numbers", 30000],
  ] as const) {
    it(`in a row, 10,001 of them, lead to the container ${what}, and DEL removes them`, async () => {
      using world = freshWorld();
      const outside = outsideOf(world);
      const netns = world.netns();
      const config = world.network(row(10_001, { containerPort, protocol: "udp" }));
      const prevResult = world.must("ADD", config, { netns });
      assert.equal(published(world), 10_001);
      world.must("CHECK", { ...config, prevResult }, { netns });
      netns.ip("route", "replace", "default", "via", "10.7.0.1");
      using _server = await udpServer(netns, containerPort + 10_000, "last");
      using flow = udpFlow(outside, "192.0.2.2", 20_000);
      assert.equal(await flow.heard(), "last");
      world.host.nft("delete element inet ns_net ports4 { udp . 15000, udp . 15001 }");
      const { json } = world.call("CHECK", { ...config, prevResult }, { netns });
      assert.match(json.msg, /port 15000\/udp of the host and 1 more in a row is missing/);
      world.must("DEL", world.network(), { netns });
      assert.deepEqual(elements(world), []);
      assert.equal(await flow.heard(), "");
    });
  }

  it("may be all 65,535", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", world.network(row(65_535, { hostPort: 1, containerPort: 1, protocol: "sctp" })), { netns });
    assert.equal(published(world), 65_535);
    world.must("DEL", world.network(), { netns });
    assert.deepEqual(elements(world), []);
    const { json } = world.call("ADD", world.network(row(65_535, { hostPort: 2 })), { netns });
    assert.match(json.details, /at most 1 with a range of 65535/);
  });

  it("may be listed one by one, 16,384 of them, in any order", async () => {
    using world = freshWorld();
    const netns = world.netns();
    const many = Array.from({ length: 16_384 }, (_, i) => ({
      hostPort: 10_000 + ((i * 7) % 16_384),
      containerPort: 60_000 - ((i * 7) % 16_384),
      protocol: "tcp",
      hostIP: "0.0.0.0",
    }));
    const config = world.network(mapped(...many));
    assert.ok(JSON.stringify(config).length > 1.2 * 1024 * 1024);
    world.must("ADD", config, { netns });
    assert.equal(published(world), 16_384);
    using _server = await tcpServer(netns, "0.0.0.0", 60_000 - 1234);
    assert.ok("seenAs" in (await tcpReach(world.host, "10.7.0.1", 11_234)));
    world.must("DEL", world.network(), { netns });
    assert.deepEqual(elements(world), []);
  });

  it("are refused if a program or another container has one of them, and nothing is left", async () => {
    using world = freshWorld();
    const netns = world.netns();
    {
      using _server = await tcpServer(world.host, "0.0.0.0", 12_345);
      const { json } = world.call("ADD", world.network(row(5000, { protocol: "tcp" })), { netns });
      assert.match(json.msg, /Cannot publish port 12345\/tcp: \S+ \(process \d+\) listens on 0\.0\.0\.0:12345/);
    }
    world.must("ADD", world.network(row(1, { hostPort: 14_000, protocol: "tcp" })), {
      netns: world.netns(),
      container: "c2",
    });
    const { json } = world.call("ADD", world.network(row(5000, { protocol: "tcp" })), { netns });
    assert.match(json.msg, /Cannot publish port 14000\/tcp: eth0 of container c2 on network podnet has it/);
    assert.equal(published(world), 1);
    assert.deepEqual(world.leases(), ["c2/eth0 10.7.0.2/24"]);
  });

  it("with conditions are one rule, which decides for all", async () => {
    using world = freshWorld();
    const outside = outsideOf(world);
    const netns = world.netns();
    const conditions = { conditionsV4: ["ip saddr != 192.0.2.1"] };
    world.must("ADD", world.network({ ...row(1000, { protocol: "tcp" }), ...conditions }), { netns });
    const rules = world.host.nft("list", "chain", "inet", "ns_net", "ports-except");
    assert.match(rules, /tcp dport 10000-10999 ip saddr 192\.0\.2\.1 accept comment/);
    assert.equal(rules.match(/accept comment/g)?.length, 1);
    using _server = await tcpServer(netns, "0.0.0.0", 10_999);
    assert.ok("failed" in (await tcpReach(outside, "192.0.2.2", 10_999, { limitMs: 500 })));
    assert.ok("seenAs" in (await tcpReach(world.host, "192.0.2.2", 10_999)));
  });

  it("of UDP list tracked connections once, not once a port", function () {
    needs(this, "strace");
    using world = freshWorld();
    const netns = world.netns();
    const udp = Array.from({ length: 50 }, (_, i) => ({ hostPort: 7000 + 2 * i, containerPort: 53, protocol: "udp" }));
    for (const verb of ["ADD", "DEL"]) {
      const trace = join(world.dataDir, `../${verb}.trace`);
      const { exitCode } = Bun.spawnSync(
        world.host.inside(["strace", "-f", "-o", trace, "-e", "trace=sendto,sendmsg", nsNet]),
        {
          env: {
            ...{ CNI_COMMAND: verb, CNI_CONTAINERID: "c1", CNI_IFNAME: "eth0", CNI_NETNS: netns.path },
            ...{ CNI_PATH: "/nowhere", PATH: process.env["PATH"]! },
          },
          stdin: Buffer.from(JSON.stringify(world.network(mapped(...udp)))),
        },
      );
      assert.equal(exitCode, 0);
      const asked = run(["cat", trace]).match(/NFNL_SUBSYS_CTNETLINK|IPCTNL_MSG_CT_GET/g) ?? [];
      assert.ok(asked.length >= 1 && asked.length <= 2, `${verb}: ${asked.length}`);
    }
  });

  it("are published in a user namespace, where the kernel accepts no batch of that size", function () {
    const folder = mkdtempSync(join(tmpdir(), "ns-net-test-"));
    try {
      const config = { cniVersion: "1.0.0", name: "n", type: "ns-net", bridge: "br0", dataDir: join(folder, "data") };
      const ipam = { type: "host-local", subnet: "10.7.0.0/24" };
      writeFileSync(join(folder, "config"), JSON.stringify({ ...config, isGateway: true, ipam, ...row(6000) }));
      const script = `set -e; mount -t tmpfs tmpfs /run; ip netns add pod; ip link set lo up; cd ${folder}
        export CNI_CONTAINERID=c1 CNI_IFNAME=eth0 CNI_NETNS=/run/netns/pod CNI_PATH=/nowhere
        CNI_COMMAND=ADD ${nsNet} < config >&2
        nft list map inet ns_net ports4 | grep -c 'comment "nsv'
        CNI_COMMAND=DEL ${nsNet} < config >&2
        nft list ruleset | grep -c 'comment "nsv' || true`;
      const own = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--propagation", "private"];
      if (Bun.spawnSync([...own, "sh", "-c", "mount -t tmpfs tmpfs /run && ip netns add x"]).exitCode !== 0)
        skip(this, "no network in a user namespace");
      const { stdout, stderr } = Bun.spawnSync([...own, "sh", "-c", script]);
      assert.equal(stdout.toString(), "6000\n0\n", stderr.toString());
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
