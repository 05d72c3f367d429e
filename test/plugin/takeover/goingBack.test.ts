/** `uninstall` on a node that goes back to the reference's plugins. Witnesses: those plugins, ip, iptables-save, traffic. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addList, delList } from "../../support/libcni.ts";
import { needs } from "../../support/needs.ts";
import { bridge, referenceNode } from "./referenceNode.ts";

describe("Going back to the reference's plugins", function () {
  this.timeout(120_000);

  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "iptables", "reference plugins", "ping");
  });

  it("uninstall leaves the reference's containers alone, dead or alive", async () => {
    using node = referenceNode();
    const at = node.install();
    const ours = node.runtime("bridge", "host-local", "portmap");
    const a = await node.start("a", 1, ours);
    await delList(ours, node.withPorts(), a);
    assert.doesNotMatch(node.cli("uninstall", ...at), /removed the attachment/);
    const b = await node.start("b", 2);
    node.age();
    const rules = node.natRules();
    assert.doesNotMatch(node.cli("gc", "--dry-run"), /of b on/);
    assert.doesNotMatch(node.cli("doctor", ...at), /of b on/);
    node.install();
    assert.doesNotMatch(node.cli("uninstall", ...at), /of b on|could not/);
    assert.deepEqual(node.heldBy(), ["b"]);
    assert.deepEqual(node.natRules(), rules);
    node.pings(b);
  });

  it("uninstall leaves containers with NAT to the reference, whose first DEL removes all of them", async function () {
    needs(this, "ipv6");
    using node = referenceNode();
    const at = node.install();
    const ours = node.runtime("bridge", "host-local");
    const ranges = [[{ subnet: "10.77.0.0/24" }], [{ subnet: "fd77::/64" }]];
    const list = node.listOf({ ...bridge, ipam: { type: "host-local", ranges } });
    const a = await node.start("a", 1, ours, list);
    assert.match(node.cli("uninstall", ...at), /^made 2 chains of iptables for the DEL of bridge$/m);
    for (const program of ["iptables-save", "ip6tables-save"])
      assert.match(node.world.host.run(program), /^:CNI-\w+ /m);
    node.pings(a);
    await delList(node.runtime(), list, a);
    for (const program of ["iptables-save", "ip6tables-save"])
      assert.doesNotMatch(node.world.host.run(program), /CNI-/);
    assert.deepEqual(node.world.host.ip("link", "show", "type", "veth"), []);
    assert.deepEqual(node.heldBy(), []);
  });

  it("uninstall writes no lease of a container that the reference has deleted, and removes its entry", async () => {
    using node = referenceNode();
    const at = node.install();
    const ours = node.runtime("bridge", "host-local", "portmap");
    const a = await node.start("a", 1);
    const b = await node.start("b", 2, ours);
    await delList(ours, node.withPorts(), b);
    assert.deepEqual(node.heldBy(), ["a"]);
    await delList(node.runtime(), node.withPorts(), a);
    assert.deepEqual(node.heldBy(), []);
    assert.match(node.cli("ls"), /10\.77\.0\.2 .* gone$/m);
    assert.match(node.cli("check"), /of container a .*not as add made it/);
    assert.doesNotMatch(node.cli("doctor", ...at), /✗ drift/);
    assert.doesNotMatch(node.cli("uninstall", ...at), /left \d+ lease|made/);
    assert.deepEqual(node.heldBy(), []);
    assert.doesNotMatch(node.cli("ls"), /10\.77/);
  });

  it("uninstall leaves no table while containers of other plugins alone live", async () => {
    using node = referenceNode();
    const ours = node.runtime("bridge", "host-local", "portmap");
    const a = await node.start("a", 1);
    const at = node.install();
    const b = await node.start("b", 2, ours);
    await delList(ours, node.withPorts(), b);
    assert.match(node.world.host.run("nft", "list", "tables"), /inet ns_net/);
    const rules = node.natRules();
    assert.doesNotMatch(node.cli("uninstall", ...at), /ns_net|lease|made/);
    assert.doesNotMatch(node.world.host.run("nft", "list", "tables"), /ns_net/);
    assert.deepEqual(node.natRules(), rules);
    assert.deepEqual(node.heldBy(), ["a"]);
    // Reservations that are lost do not make a container dead.
    rmSync(node.reservations, { recursive: true });
    assert.doesNotMatch(node.cli("gc"), /removed/);
    node.pings(a);
  });

  it("install takes back what uninstall left, so that a DEL of ns-net leaves nothing", async () => {
    using node = referenceNode();
    const at = node.install();
    const ours = node.runtime("bridge", "host-local");
    const list = node.listOf(bridge);
    const a = await node.start("a", 1, ours, list);
    assert.match(node.cli("uninstall", ...at), /^left 1 lease .*\nmade a chain/m);
    assert.deepEqual(node.heldBy(), ["a"]);
    node.install();
    assert.deepEqual(node.heldBy(), []);
    assert.doesNotMatch(node.world.host.run("iptables-save"), /CNI-/);
    node.pings(a);
    await delList(ours, list, a);
    assert.doesNotMatch(node.cli("uninstall", ...at), /left/);
    assert.deepEqual(node.heldBy(), []);
  });

  it("install leaves a container of the reference that has the name of a former one of ns-net", async () => {
    using node = referenceNode();
    const at = node.install();
    const ours = node.runtime("bridge", "host-local");
    const list = node.listOf(bridge);
    const a = await node.start("a", 1, ours, list);
    node.cli("uninstall", ...at);
    await delList(node.runtime(), list, a);
    await addList(node.runtime(), list, a);
    const rules = node.natRules();
    node.install();
    assert.deepEqual(node.heldBy(), ["a"]);
    assert.deepEqual(node.natRules(), rules);
    assert.match(node.cli("ls"), / adoptable$/m);
    await node.start("b", 2, ours, list);
    assert.deepEqual(node.heldBy(), ["a"]);
    assert.match(node.cli("ls"), / adopted$/m);
    node.pings(a);
    await delList(ours, list, a);
    assert.deepEqual(node.heldBy(), []);
    assert.doesNotMatch(node.world.host.run("iptables-save"), /CNI-/);
  });

  for (const types of [["bridge", "host-local"], ["host-local"]])
    it(`an ADD leaves such a container its lease, too, after ${types.join(" and ")} of ns-net`, async () => {
      using node = referenceNode();
      const ours = node.runtime(...types);
      const list = node.listOf(bridge);
      const a = await node.start("a", 1, ours, list);
      const at = node.install();
      node.cli("uninstall", ...at);
      await delList(node.runtime(), list, a);
      const c = await node.start("c", 3, node.runtime(), list);
      await addList(node.runtime(), list, a);
      const b = await node.start("b", 2, ours, list);
      assert.deepEqual(node.heldBy(), ["a", "c"]);
      const given = [a, b, c].map(
        ({ netns }) => /inet ([\d.]+)/.exec(netns.run("ip", "-4", "address", "show", "eth0"))?.[1],
      );
      assert.equal(new Set(given).size, 3, given.join());
      node.pings(a);
    });

  it("uninstall looks at stores elsewhere: host-local gives no address of their containers", async () => {
    using node = referenceNode();
    const at = node.install();
    const elsewhere = join(node.folder, "../elsewhere");
    const inHostLocal = (subnet: string) => ({ type: "host-local", dataDir: elsewhere, ranges: [[{ subnet }]] });
    const list = {
      ...node.listOf(),
      plugins: [{ ...bridge, ipMasq: true, ipam: inHostLocal("10.77.0.0/24") }],
    };
    const confDir = join(node.folder, "../conf");
    mkdirSync(confDir);
    writeFileSync(join(confDir, "10-node.conflist"), JSON.stringify(list));
    const a = await node.start("a", 1, node.runtime("bridge", "host-local"), list);
    assert.ok(existsSync(join(elsewhere, "ns-net.sqlite")));
    const said = node.cli("uninstall", ...at, "--conf-dir", confDir);
    assert.match(said, /^left 1 lease for host-local\nmade a chain/m);
    const held = () => readdirSync(join(elsewhere, node.network)).filter((name) => /^[\d.]+$/.test(name));
    assert.deepEqual(held(), ["10.77.0.2"]);
    await node.start("b", 2, node.runtime(), list);
    assert.deepEqual(held(), ["10.77.0.2", "10.77.0.3"]);
    await delList(node.runtime(), list, a);
    assert.deepEqual(held(), ["10.77.0.3"]);
    assert.deepEqual(node.world.host.ip("link", "show", "type", "veth").length, 1);
  });

  it("uninstall refuses while a link of ns-net is in no store that it can find, and names it", async () => {
    using node = referenceNode();
    const at = node.install();
    const a = await node.start("a", 1, node.runtime("bridge", "host-local"), node.listOf(bridge));
    const [link] = node.world.host.ip("link", "show", "type", "veth") as { ifname: string }[];
    for (const name of readdirSync(node.world.dataDir)) rmSync(join(node.world.dataDir, name));
    assert.match(node.refusal("uninstall", ...at), new RegExp(`Cannot uninstall: ${link!.ifname} is a link of ns-net`));
    node.cli("repair");
    assert.match(node.cli("uninstall", ...at), /^left 1 lease for host-local$/m);
    node.pings(a);
  });

  it("uninstall refuses while a container of another plugin has a port of ours, and names it", async () => {
    using node = referenceNode();
    const at = node.install();
    const a = await node.start("a", 1, node.runtime("portmap"));
    const said = node.refusal("uninstall", ...at);
    assert.match(said, new RegExp(`: eth0 of container a on network ${node.network} has published ports`));
    await delList(node.runtime("portmap"), node.withPorts(), a);
    assert.match(node.cli("uninstall", ...at), /put back/);
  });

  it("uninstall says why it leaves the link that closes 127.0.0.1, and how to remove it", async () => {
    using node = referenceNode();
    await node.start("a", 1);
    const at = node.install();
    const ours = node.runtime("bridge", "host-local", "portmap");
    const b = await node.start("b", 2, ours);
    await delList(ours, node.withPorts(), b);
    const said = node.cli("uninstall", ...at);
    const [, cure] = /^left bridge nsnet-closed: br0 has route_localnet .*127\.0\.0\.1: (.*)$/m.exec(said) ?? [];
    assert.ok(cure, said);
    assert.equal(node.world.host.sysctl("net/ipv4/conf/br0/route_localnet"), "1");
    node.world.host.run("sh", "-c", cure);
    assert.equal(node.world.host.sysctl("net/ipv4/conf/br0/route_localnet"), "0");
    assert.doesNotMatch(node.world.host.run("ip", "link"), /nsnet-closed/);
  });
});
