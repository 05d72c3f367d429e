/** Addresses by DHCP: the reference's dhcp daemon as delegate, and busybox's server. Witnesses: `ip`, `ping`. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import { cable } from "../../support/sandbox.ts";
import { freshWorld, ourLinks, type World } from "../../support/world.ts";

/** A daemon that ends with the block. */
function daemon(command: string[], host: World["host"]): AsyncDisposable {
  const child = Bun.spawn(host.inside(command), { stdio: ["ignore", "ignore", "ignore"], env: process.env });
  return {
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; !isTrue(); i++) {
    assert.ok(i < 1000, "waited for 10 s");
    await Bun.sleep(10);
  }
}

describe("ipam of type dhcp", () => {
  before(function () {
    needs(this, "ns-net", "macvlan", "reference plugins", "udhcpd", "ping");
  });

  for (const type of ["macvlan", "bridge"] as const) {
    it(`is called when the interface of ${type} exists, and frees its address`, async () => {
      using world = freshWorld();
      const folder = join(world.dataDir, "..");
      const plugin = join(folder, type);
      symlinkSync(nsNet, plugin);
      const outside = world.netns("outside");
      cable({ ns: world.host, ifname: "up0" }, { ns: outside, ifname: "far0", cidrs: ["10.7.0.1/24"] });
      if (type === "bridge") {
        world.host.ip("link", "add", "br0", "type", "bridge");
        world.host.ip("link", "set", "up0", "master", "br0", "up");
        world.host.ip("link", "set", "br0", "up");
      }
      writeFileSync(
        join(folder, "udhcpd.conf"),
        `start 10.7.0.50\nend 10.7.0.60\ninterface far0\nlease_file ${folder}/leases\npidfile ${folder}/pid\noption subnet 255.255.255.0\noption router 10.7.0.1\noption lease 600\n`,
      );
      writeFileSync(join(folder, "leases"), "");
      await using _server = daemon(["busybox", "udhcpd", "-f", join(folder, "udhcpd.conf")], outside);
      const socket = join(folder, "run/dhcp.sock");
      mkdirSync(join(folder, "run"));
      await using _daemon = daemon([`${referencePlugins}/dhcp`, "daemon", "-socketpath", socket], world.host);
      await until(() => existsSync(socket) && existsSync(join(folder, "pid")));
      const ipam = { type: "dhcp", daemonSocketPath: socket };
      const below = type === "macvlan" ? { master: "up0" } : { bridge: "br0" };
      const config = { cniVersion: "1.0.0", name: "lan", type, ...below, dataDir: world.dataDir, ipam };
      const netns = world.netns();
      const result = world.must("ADD", config, { netns, plugin });
      assert.match(result.ips[0].address, /^10\.7\.0\.(5\d|60)\/24$/);
      assert.equal(result.ips[0].gateway, "10.7.0.1");
      const [link] = netns.ip("address", "show", "eth0");
      assert.equal(result.interfaces.at(-1).mac, link.address);
      assert.match(netns.run("ping", "-c1", "-W5", "10.7.0.1"), /1 received/);
      world.must("CHECK", { ...config, prevResult: result }, { netns, plugin });
      world.must("DEL", config, { netns, plugin });
      assert.deepEqual(
        netns.ip("link").map(({ ifname }) => ifname),
        ["lo"],
      );
      assert.deepEqual([ourLinks(world.host), world.leases()], [[], []]);
    });
  }

  it("leaves neither interface nor entry when there is no daemon", () => {
    using world = freshWorld();
    const plugin = join(world.dataDir, "../macvlan");
    symlinkSync(nsNet, plugin);
    world.host.ip("link", "add", "up0", "type", "veth", "peer", "name", "far0");
    const ipam = { type: "dhcp", daemonSocketPath: join(world.dataDir, "../none.sock") };
    const netns = world.netns();
    const config = { cniVersion: "1.0.0", name: "lan", type: "macvlan", master: "up0", dataDir: world.dataDir, ipam };
    const { code, json } = world.call("ADD", config, { netns, plugin });
    assert.notEqual(code, 0);
    assert.match(json.msg, /none\.sock/);
    assert.deepEqual(
      netns.ip("link").map(({ ifname }) => ifname),
      ["lo"],
    );
    assert.deepEqual(world.rows(), []);
  });
});
