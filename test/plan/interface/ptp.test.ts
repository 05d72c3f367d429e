/** ptp: a link without a bridge, with the host end as the gateway. Witnesses: `ip`, `ping`, traffic. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable } from "../../support/sandbox.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { freshWorld, ourLinks } from "../../support/world.ts";

const ipam = {
  type: "host-local",
  ranges: [[{ subnet: "10.7.0.0/24" }], [{ subnet: "fd07::/64" }]],
  routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
};

describe("Called as ptp", () => {
  before(function () {
    needs(this, "ns-net", "ipv6", "nft nat", "ping");
  });

  it("it links containers to the host, to each other and to the outside, and removes everything", async () => {
    using world = freshWorld();
    const plugin = join(world.dataDir, "../ptp");
    symlinkSync(nsNet, plugin);
    const outside = world.netns("outside");
    cable(
      { ns: world.host, ifname: "up0", cidrs: ["192.0.2.2/24"] },
      { ns: outside, ifname: "up0", cidrs: ["192.0.2.1/24"] },
    );
    const config = { cniVersion: "1.1.0", name: "p", type: "ptp", ipMasq: true, dataDir: world.dataDir, ipam };
    const [a, b] = [world.netns(), world.netns()];
    const result = world.must("ADD", config, { netns: a, plugin, container: "a" });
    world.must("ADD", config, { netns: b, plugin, container: "b" });
    assert.deepEqual(
      result.interfaces.map(({ sandbox }: { sandbox?: string }) => sandbox),
      [undefined, a.path],
    );
    assert.deepEqual(
      result.ips.map((one: { interface: number; address: string }) => [one.interface, one.address]),
      [
        [1, "10.7.0.2/24"],
        [1, "fd07::2/64"],
      ],
    );
    for (const to of ["10.7.0.1", "10.7.0.3", "fd07::1", "fd07::3"]) {
      assert.match(a.run("ping", "-c1", "-W2", to), /1 received/, to);
    }
    assert.match(world.host.run("ping", "-c1", "-W2", "fd07::2"), /1 received/);
    using server = await tcpServer(outside);
    assert.deepEqual(await tcpReach(a, "192.0.2.1", server.port), { seenAs: "192.0.2.2" });
    const routes = a.ip("route").map(({ dst, gateway, scope }) => [dst, gateway, scope]);
    assert.deepEqual(routes, [
      ["default", "10.7.0.1", "global"],
      ["10.7.0.0/24", "10.7.0.1", "global"],
      ["10.7.0.1", undefined, "link"],
    ]);
    world.must("CHECK", { ...config, prevResult: result }, { netns: a, plugin, container: "a" });
    world.must("DEL", config, { netns: "", plugin, container: "a" });
    world.must("DEL", config, { netns: b, plugin, container: "b" });
    assert.deepEqual(ourLinks(world.host), []);
    assert.deepEqual(world.leases(), []);
  });

  it("sends to the other end of an address from that address, and refuses a gateway that is not on the link", () => {
    using world = freshWorld();
    const plugin = join(world.dataDir, "../ptp");
    symlinkSync(nsNet, plugin);
    const network = (routes: object[]) => ({
      ...{ cniVersion: "1.0.0", name: "p", type: "ptp", dataDir: world.dataDir },
      ipam: { type: "host-local", ranges: [[{ subnet: "10.3.0.0/24" }], [{ subnet: "10.4.0.0/24" }]], routes },
    });
    const netns = world.netns();
    const far = network([{ dst: "198.51.100.0/24", gw: "10.3.0.7" }]);
    const { json } = world.call("ADD", far, { netns, plugin });
    assert.equal(json.code, 7);
    assert.match(json.msg, /Cannot use the route to 198\.51\.100\.0\/24 by 10\.3\.0\.7: .* 10\.3\.0\.1, 10\.4\.0\.1/);
    assert.deepEqual(world.leases(), []);
    const { ips } = world.must("ADD", network([{ dst: "0.0.0.0/0" }]), { netns, plugin });
    const [third, fourth] = ips.map(({ address }: { address: string }) => address.replace(/\/.*/, ""));
    for (const [to, from] of [
      ["10.3.0.1", third],
      ["10.4.0.1", fourth],
      ["10.4.0.9", fourth],
    ] as const) {
      assert.equal(netns.ip("route", "get", to)[0].prefsrc, from, to);
    }
    world.must("DEL", network([]), { netns, plugin });
  });

  it("with enabledad, checks its addresses for duplicates before they are used", () => {
    using world = freshWorld();
    const plugin = join(world.dataDir, "../ptp");
    symlinkSync(nsNet, plugin);
    const netns = world.netns();
    const config = { cniVersion: "1.1.0", name: "p", type: "ptp", enabledad: true, dataDir: world.dataDir, ipam };
    world.must("ADD", config, { netns, plugin });
    for (const to of ["10.7.0.1", "fd07::1"]) assert.match(netns.run("ping", "-c1", "-W2", to), /1 received/, to);
    world.must("DEL", config, { netns, plugin });
  });
});
