/**
 * A container with CAP_NET_ADMIN changes names, groups, aliases and hardware addresses of interfaces in its namespace.
 * None of it affects another container, the host, or its own lease.
 */
import assert from "node:assert/strict";
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, type Netns } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const ipam = { type: "host-local", subnet: "10.7.0.0/24" };
const names = (ns: Netns): string[] => ns.ip("link").map(({ ifname }) => ifname);

function worldOf(type: string) {
  const world = freshWorld();
  const plugin = join(world.dataDir, `../${type}`);
  symlinkSync(nsNet, plugin);
  return { world, plugin, outside: world.netns("outside") };
}

function change(ns: Netns, name: string, ...words: string[]): void {
  ns.ip("link", "set", name, "down");
  ns.ip("link", "set", name, ...words);
}

describe("A macvlan that its container disguises", () => {
  before(function () {
    needs(this, "ns-net", "macvlan", "ping");
  });

  function onNetwork() {
    const { world, plugin, outside } = worldOf("macvlan");
    cable({ ns: world.host, ifname: "up0" }, { ns: outside, ifname: "far0", cidrs: ["10.7.0.1/24"] });
    const config = (more: object = {}) => {
      return {
        cniVersion: "1.1.0",
        name: "lan",
        type: "macvlan",
        master: "up0",
        dataDir: world.dataDir,
        ipam,
        ...more,
      };
    };
    return { world, plugin, outside, config };
  }

  for (const [title, words] of [
    ["without its group", ["group", "0"]],
    ["without its alias, under another name", ["alias", "", "name", "net7"]],
    ["without group and alias, under another name", ["group", "0", "alias", "", "name", "net7"]],
    ["with another hardware address, without group and alias", ["group", "0", "alias", "", "address", "02::1"]],
  ] as const) {
    it(`is removed by DEL ${title}`, () => {
      const { world, plugin, config } = onNetwork();
      using _ = world;
      const netns = world.netns();
      world.must("ADD", config(), { netns, plugin });
      const words_ = words.map((word) => (word === "02::1" ? "02:00:00:00:00:01" : word));
      change(netns, "eth0", ...words_);
      world.must("DEL", config(), { netns, plugin });
      assert.deepEqual([names(netns), world.leases()], [["lo"], []]);
    });
  }

  it("as another container's takes nothing from that one when a lost store is rebuilt", () => {
    const { world, plugin, outside, config } = onNetwork();
    using _ = world;
    const [liar, honest, third] = [world.netns("liar"), world.netns("honest"), world.netns("third")];
    world.must("ADD", config(), { netns: liar, plugin, container: "c1" });
    world.must("ADD", config(), { netns: honest, plugin, container: "c2" });
    const [{ ifalias, group }] = honest.ip("link", "show", "eth0");
    liar.ip("link", "set", "eth0", "alias", ifalias, "group", String(group));
    rmSync(world.dataDir, { recursive: true });
    const { ips } = world.must("ADD", config(), { netns: third, plugin, container: "c3" });
    assert.equal(ips[0].address, "10.7.0.4/24");
    assert.match(outside.run("ping", "-c1", "-W5", "10.7.0.3"), /1 received/);
    const valid = ["c1", "c2", "c3"].map((containerID) => ({ containerID, ifname: "eth0" }));
    world.must("GC", { ...config(), "cni.dev/valid-attachments": valid }, { plugin });
    assert.deepEqual(
      [names(honest), names(third)],
      [
        ["lo", "eth0"],
        ["lo", "eth0"],
      ],
    );
    world.must("DEL", config(), { netns: honest, plugin, container: "c2" });
    assert.deepEqual([names(honest), names(third)], [["lo"], ["lo", "eth0"]]);
    world.must("DEL", config(), { netns: liar, plugin, container: "c1" });
    for (const ns of [liar, honest]) ns[Symbol.dispose]();
    world.must("GC", { ...config(), "cni.dev/valid-attachments": [valid[2]] }, { plugin });
    assert.deepEqual(world.leases(), ["c3/eth0 10.7.0.4/24"]);
  });

  it("as a container's of a bridge does not block that one's address", () => {
    const { world, plugin, config } = onNetwork();
    using _ = world;
    const [liar, honest, third] = [world.netns("liar"), world.netns("honest"), world.netns("third")];
    const bridge = world.network({ name: "lan" });
    world.must("ADD", bridge, { netns: honest, container: "c2" });
    world.must("ADD", config({ ipam: { ...ipam, subnet: "10.8.0.0/24" } }), { netns: liar, plugin, container: "c1" });
    const alias = liar.ip("link", "show", "eth0")[0].ifalias.replace(" c1 ", " c2 ");
    liar.ip("link", "set", "eth0", "alias", alias);
    rmSync(world.dataDir, { recursive: true });
    const { ips } = world.must("ADD", bridge, { netns: third, container: "c3" });
    assert.equal(ips[0].address, "10.7.0.3/24");
    assert.deepEqual(
      world.leases().filter((lease) => lease.startsWith("c2/")),
      ["c2/eth0 10.7.0.2/24"],
    );
  });
});

describe("A host device that its container disguises", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  const config = (world: World) => {
    return { cniVersion: "1.1.0", name: "port", type: "host-device", device: "ens3", dataDir: world.dataDir, ipam };
  };

  function lent() {
    const { world, plugin, outside } = worldOf("host-device");
    cable({ ns: world.host, ifname: "ens3" }, { ns: outside, ifname: "far0" });
    const netns = world.netns();
    const [{ address }] = world.host.ip("link", "show", "ens3");
    world.must("ADD", config(world), { netns, plugin });
    return { world, plugin, netns, address };
  }

  const lookOf = (ns: Netns, name: string) => {
    const [{ ifname, address, group, ifalias }] = ns.ip("link", "show", name);
    return { ifname, address, group, ifalias };
  };

  for (const [title, words] of [
    ["under another name", ["name", "net7"]],
    ["without its group", ["group", "0"]],
    ["without its alias", ["alias", ""]],
    ["without group and alias", ["group", "0", "alias", ""]],
    ["without group and alias, under another name", ["group", "0", "alias", "", "name", "net7"]],
    ["with another hardware address, under another name", ["address", "02:00:00:00:00:07", "name", "net7"]],
  ] as const) {
    it(`is returned ${title}`, () => {
      const { world, plugin, netns } = lent();
      using _ = world;
      change(netns, "eth0", ...words);
      world.must("DEL", config(world), { netns, plugin });
      assert.deepEqual([names(netns), names(world.host), world.leases()], [["lo"], ["lo", "ens3"], []]);
      assert.deepEqual([lookOf(world.host, "ens3").group, lookOf(world.host, "ens3").ifalias], ["default", undefined]);
    });
  }

  it("is returned from its new name if another interface has the old one", () => {
    const { world, plugin, netns, address } = lent();
    using _ = world;
    change(netns, "eth0", "name", "net7");
    netns.ip("link", "add", "eth0", "type", "bridge");
    world.must("DEL", config(world), { netns, plugin });
    assert.deepEqual(
      [names(netns), names(world.host)],
      [
        ["lo", "eth0"],
        ["lo", "ens3"],
      ],
    );
    assert.equal(lookOf(world.host, "ens3").address, address);
  });

  it("gets its name again if it was returned under the new one", () => {
    const { world, plugin, netns, address } = lent();
    using _ = world;
    change(netns, "eth0", "name", "net7");
    netns.ip("link", "set", "net7", "netns", world.host.name);
    world.must("DEL", config(world), { netns, plugin });
    assert.deepEqual([names(netns), names(world.host)], [["lo"], ["lo", "ens3"]]);
    assert.deepEqual(lookOf(world.host, "ens3"), { ifname: "ens3", address, group: "default", ifalias: undefined });
  });

  it("is not replaced on the host by an interface of the container", () => {
    const { world, plugin, netns, address } = lent();
    using _ = world;
    const [{ group, ifalias }] = netns.ip("link", "show", "eth0");
    change(netns, "eth0", "name", "net7");
    netns.ip("link", "add", "eth0", "type", "bridge");
    netns.ip("link", "set", "eth0", "alias", ifalias, "group", String(group));
    world.must("DEL", config(world), { netns, plugin });
    assert.deepEqual(names(world.host), ["lo", "ens3"]);
    assert.deepEqual(lookOf(world.host, "ens3"), { ifname: "ens3", address, group: "default", ifalias: undefined });
  });
});
