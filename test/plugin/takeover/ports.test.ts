/** Ports published by pods of the reference, requested by pods of ours. Witnesses: iptables, `ip`, TCP. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import type { Netns } from "../../support/sandbox.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { withoutAgent } from "../../support/throughAgent.ts";
import { freshWorld, ourLinks, type World } from "../../support/world.ts";

const environment = { PATH: process.env.PATH! };
const port = (hostPort: number, more: object = {}) => ({ hostPort, containerPort: 80, protocol: "tcp", ...more });
const mapped = (...portMappings: object[]) => ({ runtimeConfig: { portMappings } });

describe("Taking over a live node, ports published by the reference", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib", "ipv6", "iptables", "reference plugins");
  });

  function bridged(world: World, last: number, ...addresses: string[]) {
    const all = addresses.length > 0 ? addresses : [`10.7.0.${last}/24`];
    const ipam = { type: "static", addresses: all.map((address) => ({ address })) };
    return world.network({ cniVersion: "1.0.0", type: "bridge", ipam });
  }

  /** The reference's bridge and portmap for container r1. */
  function published(world: World, portMappings: object, ...addresses: string[]): Netns {
    const netns = world.netns();
    const call = (type: string) => ({ netns, container: "r1", plugin: join(referencePlugins, type), environment });
    const prevResult = world.must("ADD", bridged(world, 2, ...addresses), call("bridge"));
    const config = { ...world.network({ cniVersion: "1.0.0", type: "portmap" }), ...portMappings, prevResult };
    world.must("ADD", config, call("portmap"));
    return netns;
  }

  /** Once with type ns-net, and once with bridge and portmap: the message, or "" on success. */
  function asked(world: World, last: number, portMappings: object, ...addresses: string[]): string[] {
    const netns = world.netns();
    const at = { netns, container: `o${last}`, environment };
    const bridge = bridged(world, last, ...addresses);
    const own = { ...bridge, type: "ns-net", ...portMappings };
    const looks = () => JSON.stringify(world.snapshot(netns)).replace(/ packets \d+ bytes \d+/g, "");
    const before = looks();
    const alone = world.call("ADD", own, at);
    if (alone.code !== 0) assert.equal(looks(), before);
    world.must("DEL", own, at);
    const portmap = join(world.dataDir, "../portmap");
    const prevResult = world.must("ADD", bridge, at);
    const config = { ...world.network({ cniVersion: "1.0.0", type: "portmap" }), ...portMappings, prevResult };
    const chained = world.call("ADD", config, { ...at, plugin: portmap });
    world.must("DEL", config, { ...at, plugin: portmap });
    world.must("DEL", bridge, at);
    return [alone, chained].map(({ code, json }) => (code === 0 ? "" : `${json.code} ${json.msg}`));
  }

  function ready(): World {
    const world = freshWorld();
    symlinkSync(nsNet, join(world.dataDir, "../portmap"));
    return world;
  }

  it("are refused, naming the holder, who keeps the traffic", async () => {
    using world = ready();
    const theirs = published(world, mapped(port(8080), port(8081, { protocol: "udp" })));
    using _server = await tcpServer(theirs, "0.0.0.0", 80);
    const says = "11 Cannot publish port 8080/tcp: podnet/r1 has it, by chain CNI-DN-";
    for (const text of asked(world, 3, mapped(port(8079), port(8080)))) assert.ok(text.startsWith(says), text);
    for (const text of asked(world, 3, mapped(port(8081, { protocol: "udp" }))))
      assert.match(text, /8081\/udp: podnet/);
    assert.deepEqual(await tcpReach(world.host, "10.7.0.1", 8080), { seenAs: "10.7.0.1" });
    assert.deepEqual(ourLinks(world.host), []);
    assert.deepEqual(asked(world, 3, mapped(port(8079), port(8081))), ["", ""]);
  });

  it("on one address are free on another, and of one family in the other", () => {
    using world = ready();
    world.host.ip("link", "add", "up0", "type", "veth", "peer", "name", "up1");
    for (const cidr of ["192.0.2.2/24", "192.0.2.3/24", "2001:db8::2/64"])
      world.host.ip("address", "add", cidr, "dev", "up0", "nodad");
    published(
      world,
      mapped(port(8080, { hostIP: "192.0.2.2" }), port(8082, { hostIP: "2001:db8::2" })),
      "10.7.0.2/24",
      "fd07::2/64",
    );
    assert.deepEqual(asked(world, 3, mapped(port(8080, { hostIP: "192.0.2.3" }))), ["", ""]);
    assert.deepEqual(asked(world, 3, mapped(port(8082, { hostIP: "192.0.2.2" }))), ["", ""]);
    assert.deepEqual(asked(world, 3, mapped(port(8082))), ["", ""], "the container has no IPv6");
    for (const [taken, on] of [
      [port(8080, { hostIP: "192.0.2.2" }), "192.0.2.2"],
      [port(8080, { hostIP: "0.0.0.0" }), "192.0.2.2"],
      [port(8082), "2001:db8::2"],
    ] as const)
      for (const text of asked(world, 3, mapped(taken), "10.7.0.3/24", "fd07::3/64"))
        assert.ok(text.includes(`podnet/r1 has it on ${on}, by`), text);
  });

  it("are free again after the reference's pod is deleted, and the pod may request its own ports", () => {
    using world = ready();
    const netns = published(world, mapped(port(8080)));
    const at = { netns, container: "r1", environment, plugin: join(world.dataDir, "../portmap") };
    const interfaces = [{ name: "eth0", sandbox: netns.path }];
    const prevResult = { cniVersion: "1.0.0", interfaces, ips: [{ address: "10.7.0.2/24", interface: 0 }] };
    const config = { ...world.network({ cniVersion: "1.0.0", type: "portmap" }), ...mapped(port(8080)), prevResult };
    world.must("ADD", config, at);
    world.must("DEL", config, at);
    assert.match(asked(world, 3, mapped(port(8080)))[0]!, /r1 has it/);
    for (const type of ["portmap", "bridge"]) {
      const plugin = join(referencePlugins, type);
      world.must("DEL", { ...bridged(world, 2), ...mapped(port(8080)), type }, { ...at, plugin });
    }
    assert.deepEqual(asked(world, 3, mapped(port(8080))), ["", ""]);
  });

  it("need no other program if the reference has published none", function () {
    needs(this, "strace");
    withoutAgent(this, "the launcher runs the executable");
    using world = ready();
    const trace = join(world.dataDir, "../trace");
    const at = { netns: world.netns(), plugin: join(world.dataDir, "../traced") };
    const script = `#!/bin/sh\nexec strace -f -e trace=execve -A -o ${trace} ${nsNet}\n`;
    world.host.run("sh", "-c", `printf '%s' "${script}" >${at.plugin} && chmod +x ${at.plugin}`);
    const config = world.network(mapped(port(8080)));
    world.must("ADD", config, { ...at, environment });
    world.must("DEL", config, { ...at, environment });
    assert.equal(world.host.run("cat", trace).match(/execve\(/g)?.length, 2);
  });
});
