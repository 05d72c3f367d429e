/**
 * The commands on a node whose containers the reference's plugins made. Witnesses: ip, iptables-save, host-local's files,
 * traffic.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needsOwnEtc } from "../../cli/place.ts";
import { needs } from "../../support/needs.ts";
import { bridge, portmap, referenceNode } from "./referenceNode.ts";

interface Shown {
  readonly container: string;
  readonly state: string;
}

describe("Commands on a node of the reference's plugins", function () {
  this.timeout(120_000);

  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "iptables", "reference plugins", "ping");
  });

  it("gc by hand keeps what lives, without a store", async () => {
    using node = referenceNode();
    const [a, b] = [await node.start("a", 1), await node.start("b", 2)];
    // An old host-local wrote no interface.
    writeFileSync(join(node.reservations, "10.77.0.3"), "b");
    node.age();
    const rules = node.natRules();
    assert.equal(node.cli("gc", "-n", node.network, "--dry-run"), "Nothing to remove.\n");
    node.cli("gc", "-n", node.network);
    assert.deepEqual(node.heldBy(), ["a", "b"]);
    assert.deepEqual(node.natRules(), rules);
    for (const pod of [a, b]) node.pings(pod);
  });

  it("gc by hand removes what is dead, without a store, and nothing of an ADD that has just begun", async () => {
    using node = referenceNode();
    const [a, b] = [await node.start("a", 1), await node.start("b", 2)];
    await node.end(a);
    assert.equal(node.cli("gc", "-n", node.network), "Nothing to remove.\n");
    assert.equal(node.complaint("gc", "-n", node.network, "--dry-run"), "");
    assert.match(
      node.complaint("gc", "-n", `${node.network}x`),
      new RegExp(`no network .*Did you mean ${node.network}\\?`, "s"),
    );
    node.age();
    assert.match(node.cli("gc", "-n", node.network), new RegExp(`removed the attachment eth0 of a on ${node.network}`));
    assert.deepEqual(node.heldBy(), ["b"]);
    assert.ok(node.natRules().every((rule) => !rule.includes("10.77.0.2")));
    node.pings(b);
  });

  it("gc by hand keeps what the runtime says it runs, also if the container gave up its address", async () => {
    using node = referenceNode();
    const a = await node.start("a", 1);
    node.age();
    const cached = `/var/lib/cni/results/${node.network}-a-eth0`;
    a.netns.ip("address", "flush", "dev", "eth0");
    assert.match(node.cli("gc", "-n", node.network, "--dry-run"), /would remove the attachment eth0 of a/);
    mkdirSync("/var/lib/cni/results", { recursive: true });
    const kept = JSON.parse(readFileSync(join(node.folder, `../cache/results/${node.network}-a-eth0`), "utf8"));
    const { netns: _, ...ofOldLibcni } = kept;
    for (const content of [kept, ofOldLibcni]) {
      writeFileSync(cached, JSON.stringify(content));
      assert.equal(node.cli("gc", "-n", node.network), "Nothing to remove.\n");
      assert.deepEqual(node.heldBy(), ["a"]);
    }
    rmSync(cached);
  });

  it("gc by hand keeps containers of lists that mix both, with their ports", async () => {
    using node = referenceNode();
    const addresses = [{ address: "10.77.0.9/24", gateway: "10.77.0.1" }];
    const fixed = { ...bridge, ipam: { type: "static", addresses } };
    const [a, b] = [
      await node.start("a", 1, node.runtime("portmap")),
      await node.start("b", 2, node.runtime("portmap"), node.listOf(fixed, portmap)),
    ];
    const published = () => node.world.host.nft("list", "map", "inet", "ns_net", "ports4").match(/\b800\d\b/g);
    assert.deepEqual(published(), ["8001", "8002"]);
    node.age();
    node.cli("gc", "-n", node.network);
    node.cli("gc");
    assert.deepEqual(node.heldBy(), ["a"]);
    assert.deepEqual(published(), ["8001", "8002"]);
    for (const pod of [a, b]) node.pings(pod);
    await node.end(b);
    assert.equal(node.cli("gc"), `removed the attachment eth0 of b on ${node.network}\n`);
    assert.deepEqual(published(), ["8001"]);
    node.age();
    await node.end(a);
    assert.match(node.cli("gc"), new RegExp(`^removed the attachment eth0 of a on ${node.network}$`, "m"));
    assert.doesNotMatch(node.world.host.nft("list", "ruleset"), /8001/);
    assert.equal(node.cli("gc"), "Nothing to remove.\n");
  });

  it("ls, status, inspect and check show them before any ADD and after, with their ports and host ends", async function () {
    needsOwnEtc(this);
    using node = referenceNode();
    const a = await node.start("a", 1);
    const seen = (state: string) => {
      const [row] = JSON.parse(node.cli("ls", "--json", "-n", node.network));
      const { address, link_index } = a.netns.ip("link", "show", "eth0")[0];
      const [outer] = node.world.host.ip("link").filter(({ ifindex }) => ifindex === link_index);
      assert.deepEqual(
        [row.state, row.namespace, row.addresses, row.ports, row.mac, row.hostVeth],
        [state, a.netns.path, ["10.77.0.2/24"], ["8001:80"], address, outer.ifname],
      );
      assert.match(node.cli("status"), new RegExp(`^${node.network} +${state} +1$`, "m"));
      const inspected = node.cli("inspect", a.netns.name);
      assert.match(inspected, new RegExp(`^host end +${outer.ifname} \\(index \\d+\\), port of br0, forwards$`, "m"));
      assert.match(inspected, /^ports +8001:80$/m);
      assert.match(inspected, new RegExp(`^since .*, ${state}$`, "m"));
      assert.match(
        node.cli("check", a.netns.name),
        /: nothing differs in what is known of another plugin's: routes are not compared/,
      );
      return row.container;
    };
    mkdirSync("/etc/cni/net.d", { recursive: true });
    writeFileSync(`/etc/cni/net.d/${node.network}.conflist`, JSON.stringify(node.withPorts()));
    assert.equal(seen("adoptable"), "a");
    await node.start("b", 2, node.runtime("bridge", "host-local", "portmap"));
    assert.equal(seen("adopted"), "a");
    await node.end(a);
    assert.equal(JSON.parse(node.cli("ls", "--json", "-n", node.network))[0].state, "gone");
    rmSync(`/etc/cni/net.d/${node.network}.conflist`);
  });

  it("check finds what a container of the reference lost, and does not say that all is well", async function () {
    needsOwnEtc(this);
    using node = referenceNode();
    mkdirSync("/etc/cni/net.d", { recursive: true });
    writeFileSync(`/etc/cni/net.d/${node.network}.conflist`, JSON.stringify(node.withPorts()));
    const a = await node.start("a", 1);
    const check = () => node.cli("check", a.netns.name);
    const finds = (pattern: RegExp) => {
      assert.match(check(), pattern);
      assert.doesNotMatch(check(), /nothing differs/);
      assert.match(node.cli("check", "-n", node.network), /compared: 1 not as add made it/);
    };
    const [{ link_index }] = a.netns.ip("link", "show", "eth0");
    const outer = node.world.host.ip("link").find(({ ifindex }) => ifindex === link_index).ifname as string;
    for (const by of ["no store", "a store"]) {
      if (by === "a store") await node.start("b", 2, node.runtime("bridge", "host-local", "portmap"));
      node.world.host.ip("link", "set", outer, "nomaster");
      finds(/bridge of link veth\w+ +expected br0 +found none/);
      node.world.host.ip("link", "set", outer, "master", "br0", "down");
      finds(/state of link veth\w+ +expected up +found down/);
      node.world.host.ip("link", "set", outer, "up");
    }
    a.netns.ip("route", "del", "default");
    assert.doesNotMatch(check(), /as add made it/);
    assert.match(check(), /routes are not compared/);
    assert.match(
      node.cli("doctor").replace(/\s+/g, " "),
      /drift nothing differs; of 1 that another plugin made, a part is/,
    );
    const chain = /-A (CNI-DN-\w+) .*--dport 8001 /.exec(node.world.host.run("iptables-save", "-t", "nat"))![1]!;
    node.world.host.run("iptables", "-t", "nat", "-F", chain);
    finds(new RegExp(`chain ${chain} +expected rules +found none`));
    rmSync(`/etc/cni/net.d/${node.network}.conflist`);
  });

  it("ls takes no reservation that outlived its container for a container", async () => {
    using node = referenceNode();
    await node.start("a", 1, node.runtime("bridge", "host-local", "portmap"));
    mkdirSync(node.reservations, { recursive: true });
    writeFileSync(join(node.reservations, "10.77.0.2"), "old\r\neth0");
    writeFileSync(join(node.reservations, "10.77.0.3"), "gone\r\neth0");
    const shown = () => JSON.parse(node.cli("ls", "--json")).map((one: Shown) => [one.container, one.state]);
    assert.deepEqual(shown(), [
      ["a", "attached"],
      ["gone", "gone"],
    ]);
    node.age(); // before the machine started
    assert.deepEqual(shown(), [["a", "attached"]]);
  });

  it("finds the interface of an old reservation, which does not name it, by the address", async () => {
    using node = referenceNode();
    const a = await node.start("a", 1);
    writeFileSync(join(node.reservations, "10.77.0.2"), "a");
    const { address } = a.netns.ip("link", "show", "eth0")[0];
    for (const when of ["adoptable", "adopted"]) {
      if (when === "adopted") await node.start("b", 2, node.runtime("bridge", "host-local", "portmap"));
      const [row] = JSON.parse(node.cli("ls", "--json", "-n", node.network));
      assert.deepEqual([row.container, row.state, row.mac], ["a", when, address]);
      assert.match(node.cli("check", a.netns.name), /^container a on network \S+: nothing differs/);
      assert.match(node.cli("doctor"), /^✓ drift /m);
    }
    a.netns.ip("address", "flush", "dev", "eth0");
    assert.match(node.cli("check", a.netns.name), /address 10\.77\.0\.2 +is missing/);
  });

  it("doctor finds what check finds, before any ADD and after", async function () {
    needsOwnEtc(this);
    using node = referenceNode();
    mkdirSync("/etc/cni/net.d", { recursive: true });
    writeFileSync(`/etc/cni/net.d/${node.network}.conflist`, JSON.stringify(node.withPorts()));
    const a = await node.start("a", 1);
    const [{ link_index }] = a.netns.ip("link", "show", "eth0");
    const outer = node.world.host.ip("link").find(({ ifindex }) => ifindex === link_index).ifname as string;
    node.world.host.ip("link", "set", outer, "nomaster");
    for (const by of ["no store", "a store"]) {
      if (by === "a store") await node.start("b", 2, node.runtime("bridge", "host-local", "portmap"));
      const [found] = JSON.parse(node.cli("doctor", "--json")).checks.filter(
        ({ id }: { id: string }) => id === "drift",
      );
      assert.deepEqual(
        [found.status, found.cure],
        ["fail", `Restart container a: only what attached it attaches it again`],
      );
      assert.match(found.says, /bridge of link veth\w+: expected br0, found none/);
    }
    rmSync(`/etc/cni/net.d/${node.network}.conflist`);
  });

  it("a container that lost its veth stays in sight, before any ADD and after", async () => {
    using node = referenceNode();
    const a = await node.start("a", 1);
    a.netns.ip("link", "del", "eth0");
    for (const by of ["no store", "a store"]) {
      if (by === "a store") await node.start("b", 2, node.runtime("bridge", "host-local", "portmap"));
      const [row] = JSON.parse(node.cli("ls", "--json", "-n", node.network));
      assert.deepEqual([row.container, row.state], ["a", "gone"]);
      assert.match(node.cli("status"), new RegExp(`^${node.network} +gone +1$`, "m"));
      assert.match(
        node.cli("check", "-n", node.network),
        /a on network \S+: cannot be compared\n.* 1 cannot be compared\n$/s,
      );
    }
  });

  it("a namespace that only the runtime's result names is found after adoption, too; without it nothing is said to differ", async () => {
    using node = referenceNode();
    const a = await node.start("a", 1);
    a.netns.ip("address", "flush", "dev", "eth0"); // its address does not lead to it any more
    const kept = `${node.network}-a-eth0`;
    const copy = join("/var/lib/cni/results", kept);
    mkdirSync("/var/lib/cni/results", { recursive: true });
    writeFileSync(copy, readFileSync(join(node.folder, "../cache/results", kept)));
    for (const by of ["no store", "a store"]) {
      if (by === "a store") await node.start("b", 2, node.runtime("bridge", "host-local", "portmap"));
      assert.equal(JSON.parse(node.cli("ls", "--json", "-n", node.network))[0].namespace, a.netns.path);
      assert.match(node.cli("inspect", a.netns.name), /^container +a$/m);
      assert.match(node.cli("check", a.netns.name), /address 10\.77\.0\.2 of eth0 in the container +is missing/);
    }
    rmSync(copy);
  });
});
