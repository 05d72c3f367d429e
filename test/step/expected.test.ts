/** Changes of later chained plugins are right for `ns-net check` and `repair`; changes of other programs are not. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expectedAfter } from "../../step/expected.ts";
import type { Step } from "../../step/index.ts";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { withoutHealing } from "../support/throughAgent.ts";
import { dualStack, freshWorld, ourLinks, type World } from "../support/world.ts";

function cli(world: World, ...words: string[]) {
  const line = world.host.inside([nsNet, ...words, "--data-dir", world.dataDir]);
  const { exitCode, stdout, stderr } = Bun.spawnSync(line);
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

describe("After tuning and sbr", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6");
  });

  it("check and repair accept them, and report a foreign change", () => {
    using world = freshWorld();
    const folder = join(world.dataDir, "..");
    for (const type of ["tuning", "sbr"]) symlinkSync(nsNet, join(folder, type));
    const netns = world.netns();
    const sysctl = { "net.ipv4.conf.IFNAME.arp_filter": "1" };
    const first = world.network({ ipam: dualStack, sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "0" } });
    let prevResult = world.must("ADD", first, { netns });
    for (const [type, more] of [
      ["tuning", { mac: "c2:11:22:33:44:55", mtu: 1400, sysctl }],
      ["sbr", {}],
    ] as const) {
      const config = world.network({ ipam: undefined, type, ...more, prevResult });
      prevResult = world.must("ADD", config, { netns, plugin: join(folder, type) });
    }
    assert.match(cli(world, "check", "c1").out, /^eth0 of container c1 .*: as add made it\n$/);
    assert.deepEqual(cli(world, "repair"), { code: 0, out: "Nothing to repair.\n", err: "" });
    netns.ip("link", "set", "eth0", "mtu", "1300");
    const { code, out } = cli(world, "check", "c1");
    assert.equal(code, 1);
    assert.match(out, /mtu of link eth0 in the container +expected 1400 +found 1300/);
    assert.equal(cli(world, "repair").code, 0);
    assert.equal(netns.ip("link", "show", "eth0")[0].mtu, 1400);
    assert.equal(netns.ip("link", "show", "eth0")[0].address, "c2:11:22:33:44:55");
  });

  it("routes that sbr or vrf moved to another table are gone from the main one, and no others", () => {
    const route = (link: string): Step => ({ kind: "route", dst: "0.0.0.0/0", gw: "10.7.0.1", link });
    const withdrawn: Step = { ...route("eth0"), kind: "removedRoute" } as Step;
    assert.deepEqual(expectedAfter([route("eth0"), route("net1")], [withdrawn]), [route("net1")]);
    assert.deepEqual(expectedAfter([route("eth0")], [{ kind: "vrf", name: "red", table: 7, group: 1 }]), []);
  });
});

describe("repair that cannot repair everything", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("prints what it did, then the failure of the attachment, and continues with the others", function () {
    withoutHealing(this);
    using world = freshWorld();
    const other = { name: "othernet", bridge: "br1", ipam: { type: "ns-net", subnet: "10.8.0.0/24" } };
    world.must("ADD", world.network(), { netns: world.netns() });
    world.must("ADD", world.network(other), { netns: world.netns(), container: "c2" });
    // Another kind of link has the bridge's name.
    world.host.ip("link", "del", "br0");
    world.host.ip("link", "add", "br0", "type", "veth", "peer", "name", "far0");
    world.host.ip("address", "del", "10.8.0.1/24", "dev", "br1");
    const { code, out, err } = cli(world, "repair");
    assert.equal(code, 1);
    assert.match(out, /^could not repair all of eth0 of container c1 .*/m);
    assert.match(out, /^repaired eth0 of container c2 .*:\n {2}address of br1/m);
    assert.match(err, /^ns-net: eth0 of container c1 on network podnet: Cannot put nsv\w+ into bridge br0/m);
    assert.ok(ourLinks(world.host).length === 2);
  });
});
