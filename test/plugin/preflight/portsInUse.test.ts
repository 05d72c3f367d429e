/** Host ports that cannot be published, and the messages. Nothing is changed. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { mapped, web } from "../../step/ports/publishing.ts";
import { until } from "../../support/daemon.ts";
import { needs } from "../../support/needs.ts";
import { run } from "../../support/sandbox.ts";
import { tcpServer } from "../../support/tcp.ts";
import { dualStack, freshWorld, ourLinks, ranges, type World } from "../../support/world.ts";

describe("A port in use is refused, naming the holder:", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat", "nft fib");
  });

  const refused = (world: World, mapping: object, says: RegExp) => {
    const netns = world.netns();
    const before = world.snapshot(netns);
    const { code, json } = world.call("ADD", world.network(mapped(mapping)), { netns, container: "late" });
    assert.notEqual(code, 0);
    assert.match(json.msg, says);
    assert.ok(json.details.length > 10);
    assert.deepEqual(world.snapshot(netns), before);
  };

  it("another attachment, also if one has 0.0.0.0 and the other an address", () => {
    using world = freshWorld();
    world.must("ADD", world.network(mapped({ ...web, hostIP: "127.0.0.1" })), {
      netns: world.netns(),
      container: "first",
    });
    for (const hostIP of [undefined, "0.0.0.0", "127.0.0.1"]) {
      refused(world, { ...web, hostIP }, /8080\/tcp.*eth0 of container first on network podnet/);
    }
    const other = world.network(mapped({ ...web, protocol: "udp" }, { ...web, hostIP: "127.0.0.2" }));
    world.must("ADD", other, { netns: world.netns(), container: "other" });
  });

  it("but not an attachment whose namespace is gone, although another got its name and its inode", async () => {
    using world = freshWorld();
    const first = world.netns();
    world.must("ADD", world.network(mapped(web)), { netns: first, container: "first" });
    run(["ip", "netns", "del", first.name]);
    await until("the veth has gone with its namespace", () => ourLinks(world.host).length === 0);
    run(["ip", "netns", "add", first.name]);
    const { ino } = statSync(first.path);
    run(["sqlite3", join(world.dataDir, "ns-net.sqlite"), `UPDATE port SET netns_inode = '${ino}'`]);
    world.must("ADD", world.network(mapped(web)), { netns: world.netns(), container: "late" });
  });

  it("a program of the host", async () => {
    using world = freshWorld();
    using server = await tcpServer(world.host, "127.0.0.1");
    refused(world, { ...web, hostPort: server.port }, /bun.* \(process \d+\) listens on 127\.0\.0\.1/);
    const elsewhere = world.network(mapped({ ...web, hostPort: server.port, hostIP: "127.0.0.2" }));
    world.must("ADD", elsewhere, { netns: world.netns() });
  });

  it("but not a program with IPv6 alone, for a container without it", async () => {
    using world = freshWorld();
    using server = await tcpServer(world.host, "::1");
    const mapping = mapped({ ...web, hostPort: server.port });
    world.must("ADD", world.network({ ipam: ranges("10.7.0.0/24"), ...mapping }), { netns: world.netns() });
    refused(world, { ...web, hostPort: server.port }, /eth0 of container c1 on network podnet/);
    world.must("DEL", world.network());
    const both = world.network({ ipam: dualStack, ...mapping });
    assert.match(world.call("ADD", both, { netns: world.netns() }).json.msg, /listens on \[::1\]/);
  });

  it("nor one with IPv4 alone, for a container without that", async () => {
    using world = freshWorld();
    using server = await tcpServer(world.host, "0.0.0.0");
    const mapping = mapped({ ...web, hostPort: server.port });
    world.must("ADD", world.network({ ipam: ranges("fd07::/64"), ...mapping }), { netns: world.netns() });
  });

  it("but not a container without an address of that family", () => {
    using world = freshWorld();
    const add = (container: string, subnet: string, hostIP?: string) => {
      const network = { name: container, bridge: container, ipam: ranges(subnet) };
      const config = world.network({ ...network, ...mapped({ ...web, hostIP }) });
      world.must("ADD", config, { netns: world.netns(), container });
    };
    add("four", "10.7.0.0/24");
    add("six", "fd07::/64");
    add("none", "10.9.0.0/24", "2001:db8::7");
    add("exact", "fd09::/64", "192.0.2.7");
    refused(world, { ...web, hostIP: "127.0.0.1" }, /eth0 of container four on network four has it on 0\.0\.0\.0/);
  });

  for (const [mapping, says] of [
    [{ ...web, hostPort: 0 }, /hostPort/],
    [{ ...web, hostPort: 70000 }, /hostPort = 70000/],
    [{ ...web, containerPort: 0 }, /containerPort/],
    [{ ...web, protocol: "icmp" }, /protocol = "icmp"/],
    [{ ...web, hostIP: "localhost" }, /hostIP = "localhost"/],
    [{ ...web, hostIP: "::1" }, /hostIP = "::1"/],
  ] as const) {
    it(`and so is ${JSON.stringify(mapping)}`, () => {
      using world = freshWorld();
      refused(world, mapping, says);
    });
  }

  it("and so is one that leads to two ports of the container", () => {
    using world = freshWorld();
    const netns = world.netns();
    const twice = world.network(mapped(web, { ...web, hostIP: "0.0.0.0", containerPort: 81 }));
    const { json } = world.call("ADD", twice, { netns });
    assert.equal(json.code, 7);
    assert.match(json.details, /leads to 80 already/);
  });
});
