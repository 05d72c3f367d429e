/** portmap, after a plugin that attached the container: ours or the reference's. */
import assert from "node:assert/strict";
import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { elements, mapped, outsideOf, web } from "../../step/ports/publishing.ts";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { skip } from "../../support/skip.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { freshWorld } from "../../support/world.ts";

describe("portmap, after another plugin", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib", "reference plugins", "iptables");
  });

  for (const mine of [true, false]) {
    it(`publishes for ${mine ? "our" : "the reference's"} bridge, and DEL needs only the names`, async () => {
      using world = freshWorld();
      const outside = outsideOf(world);
      const folder = join(world.dataDir, "..");
      for (const name of ["bridge", "portmap", "host-local"]) symlinkSync(nsNet, join(folder, name));
      const netns = world.netns();
      const ipam = { type: "host-local", ranges: [[{ subnet: "10.7.0.0/24" }]], dataDir: join(folder, "networks") };
      const config = world.network({ cniVersion: "1.0.0", ipam, hairpinMode: true });
      const bridge = mine ? join(folder, "bridge") : "/usr/lib/cni/bridge";
      const environment = { PATH: process.env.PATH ?? "" };
      const prevResult = world.must("ADD", { ...config, type: "bridge" }, { netns, plugin: bridge, environment });
      const chained = { ...config, ...mapped({ ...web, hostPort: 8081, containerPort: 81 }), type: "portmap" };
      const portmap = { netns, plugin: join(folder, "portmap") };
      const { dns: _, ...same } = prevResult; // the reference writes an empty one
      assert.deepEqual(world.must("ADD", { ...chained, prevResult }, portmap), same);
      using _server = await tcpServer(netns, "0.0.0.0", 81);
      for (const [from, to] of [
        [outside, "192.0.2.2"],
        [world.host, "127.0.0.1"],
        [netns, "192.0.2.2"],
      ] as const) {
        assert.ok("seenAs" in (await tcpReach(from, to, 8081)), to);
      }
      world.must("CHECK", { ...chained, prevResult }, portmap);
      world.must("DEL", { ...config, type: "portmap" }, { ...portmap, netns: "" });
      assert.ok("failed" in (await tcpReach(outside, "192.0.2.2", 8081, { limitMs: 500 })));
      assert.deepEqual(elements(world), []);
      world.must("DEL", { ...config, type: "bridge" }, { netns, plugin: bridge, environment });
    });
  }

  it("with type bridge, a container reaches its own port by hairpinMode where bridges call iptables", async function () {
    const setting = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    if (!existsSync(setting)) skip(this, "no br_netfilter here");
    using world = freshWorld();
    const folder = join(world.dataDir, "..");
    for (const name of ["bridge", "portmap"]) symlinkSync(nsNet, join(folder, name));
    const reaches = async (container: string, change: object) => {
      const netns = world.netns();
      const at = { netns, container };
      const config = { ...world.network({ ipMasq: true, ...change }), type: "bridge" };
      const prevResult = world.must("ADD", config, { ...at, plugin: join(folder, "bridge") });
      const chained = {
        ...config,
        ...mapped({ ...web, hostPort: 8081, containerPort: 81 }),
        type: "portmap",
        prevResult,
      };
      world.must("ADD", chained, { ...at, plugin: join(folder, "portmap") });
      using _server = await tcpServer(netns, "0.0.0.0", 81);
      const reached: boolean[] = [];
      for (const value of ["0", "1"]) {
        world.host.run("sysctl", "-qw", `net.bridge.bridge-nf-call-iptables=${value}`);
        reached.push("seenAs" in (await tcpReach(netns, "10.7.0.1", 8081, { limitMs: 500 })));
      }
      world.must("DEL", chained, { ...at, plugin: join(folder, "portmap") });
      world.must("DEL", config, { ...at, plugin: join(folder, "bridge") });
      return reached;
    };
    assert.deepEqual(await reaches("a", {}), [true, false]);
    assert.deepEqual(await reaches("b", { hairpinMode: true }), [true, true]);
  });

  it("needs prevResult", () => {
    using world = freshWorld();
    const { json } = world.call("ADD", { ...world.network(mapped(web)), type: "portmap" }, { netns: world.netns() });
    assert.equal(json.code, 7);
    assert.match(json.msg, /prevResult/);
  });
});
