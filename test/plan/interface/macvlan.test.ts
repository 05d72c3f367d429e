/** macvlan on the real kernel: a cable between namespaces plays the network between hosts. Witnesses: `ip`, `ping`. */
import assert from "node:assert/strict";
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { versions } from "../../../conf/version.ts";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, type Netns, run } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const ipam = { type: "host-local", ranges: [[{ subnet: "10.7.0.0/24" }], [{ subnet: "fd07::/64" }]] };

/** A host whose interface up0 is on a network with another machine. */
function onNetwork() {
  const world = freshWorld();
  const plugin = join(world.dataDir, "../macvlan");
  symlinkSync(nsNet, plugin);
  const outside = world.netns("outside");
  cable(
    { ns: world.host, ifname: "up0", cidrs: ["10.9.0.2/24"] },
    { ns: outside, ifname: "far0", cidrs: ["10.9.0.1/24", "10.7.0.1/24", "fd07::1/64"] },
  );
  return { world, plugin, outside };
}

const config = (world: World, more: object = {}) => {
  return { cniVersion: "1.1.0", name: "lan", type: "macvlan", master: "up0", dataDir: world.dataDir, ipam, ...more };
};

// biome-ignore lint/suspicious/noExplicitAny: what `ip` prints.
const linkOf = (netns: Netns, name = "eth0"): any => netns.ip("link", "show", name)[0];

describe("Called as macvlan", () => {
  before(function () {
    needs(this, "ns-net", "macvlan", "ipv6", "ping");
  });

  it("it attaches containers to the master's network, where they reach each other and other machines, and removes them", () => {
    const { world, plugin, outside } = onNetwork();
    using _ = world;
    const [a, b] = [world.netns(), world.netns()];
    const result = world.must("ADD", config(world), { netns: a, plugin, container: "a" });
    world.must("ADD", config(world), { netns: b, plugin, container: "b" });
    const { address, mtu, linkinfo } = linkOf(a);
    assert.deepEqual([linkinfo.info_kind, linkinfo.info_data.mode], ["macvlan", "bridge"]);
    assert.deepEqual(result, {
      cniVersion: "1.1.0",
      interfaces: [{ name: "eth0", mac: address, mtu, sandbox: a.path }],
      ips: [
        { address: "10.7.0.2/24", gateway: "10.7.0.1", interface: 0 },
        { address: "fd07::2/64", gateway: "fd07::1", interface: 0 },
      ],
    });
    for (const to of ["10.7.0.3", "10.7.0.1", "fd07::3", "fd07::1"]) {
      assert.match(a.run("ping", "-c1", "-W5", to), /1 received/, to);
    }
    assert.match(outside.run("ping", "-c1", "-W5", "10.7.0.3"), /1 received/);
    world.must("CHECK", { ...config(world), prevResult: result }, { netns: a, plugin, container: "a" });
    world.must("DEL", config(world), { netns: a, plugin, container: "a" });
    world.must("DEL", config(world), { netns: a, plugin, container: "a" });
    assert.deepEqual(
      a.ip("link").map(({ ifname }) => ifname),
      ["lo"],
    );
    world.must("DEL", config(world), { netns: "", plugin, container: "b" });
    assert.deepEqual(
      b.ip("link").map(({ ifname }) => ifname),
      ["lo"],
    );
    assert.deepEqual(world.leases(), []);
  });

  for (const cniVersion of versions) {
    it(`it answers in version ${cniVersion}`, () => {
      const { world, plugin } = onNetwork();
      using _ = world;
      const netns = world.netns();
      const own = config(world, { cniVersion, ipam: { type: "host-local", subnet: "10.7.0.0/24" } });
      const result = world.must("ADD", own, { netns, plugin });
      assert.equal(result.ip4?.ip ?? result.ips[0].address, "10.7.0.2/24");
      world.must("DEL", own, { netns, plugin });
    });
  }

  it("it finds its master by the default route, of the host or of the container", () => {
    const { world, plugin } = onNetwork();
    using _ = world;
    world.host.ip("route", "add", "default", "via", "10.9.0.1");
    const netns = world.netns();
    const { master: _master, ...own } = config(world, { ipam: {} });
    world.must("ADD", own, { netns, plugin });
    assert.equal(linkOf(netns).link_index, linkOf(world.host, "up0").ifindex);
    netns.ip("address", "add", "10.8.0.2/24", "dev", "eth0");
    netns.ip("route", "add", "default", "via", "10.8.0.1");
    const inner = { ...own, linkInContainer: true };
    const result = world.must("ADD", inner, { netns, plugin, ifname: "net1" });
    // On top of a macvlan, whose master the kernel then uses.
    assert.equal(linkOf(netns, "net1").link_index, linkOf(world.host, "up0").ifindex);
    world.must("CHECK", { ...inner, prevResult: result }, { netns, plugin, ifname: "net1" });
    world.must("DEL", inner, { netns, plugin, ifname: "net1" });
    assert.deepEqual(
      netns.ip("link").map(({ ifname }) => ifname),
      ["lo", "eth0"],
    );
  });

  it("it accepts a mode, an MTU, a hardware address, the length of the broadcast queue, and a name that the host also has", () => {
    const { world, plugin } = onNetwork();
    using _ = world;
    const netns = world.netns();
    const mac = "c2:11:22:33:44:55";
    const own = config(world, { mode: "private", mtu: 1400, mac, bcqueuelen: 500 });
    const result = world.must("ADD", own, { netns, plugin, ifname: "up0" });
    const { address, mtu, linkinfo } = linkOf(netns, "up0");
    assert.deepEqual([address, mtu, linkinfo.info_data.mode], [mac, 1400, "private"]);
    assert.ok(linkinfo.info_data.bcqueuelen >= 500, JSON.stringify(linkinfo));
    world.must("CHECK", { ...own, prevResult: result }, { netns, plugin, ifname: "up0" });
    netns.ip("link", "set", "up0", "type", "macvlan", "mode", "vepa");
    const { json } = world.call("CHECK", { ...own, prevResult: result }, { netns, plugin, ifname: "up0" });
    assert.match(json.msg, /mode of link up0 in the container: expected private, found vepa/);
  });

  it("runtimeConfig, args and CNI_ARGS may request the hardware address, before the configuration", () => {
    const { world, plugin } = onNetwork();
    using _ = world;
    const netns = world.netns();
    world.must("ADD", config(world, { mac: "c2:11:22:33:44:55", ipam: {} }), {
      ...{ netns, plugin },
      args: "IgnoreUnknown=1;MAC=c2:11:22:33:44:66",
    });
    assert.equal(linkOf(netns).address, "c2:11:22:33:44:66");
  });

  it("with mode passthru it has its master's address, and refuses another", () => {
    const { world, plugin } = onNetwork();
    using _ = world;
    const netns = world.netns();
    const own = config(world, { mode: "passthru", ipam: {} });
    const refused = world.call("ADD", { ...own, mac: "c2:11:22:33:44:55" }, { netns, plugin });
    assert.match(refused.json.msg, /Cannot use mac = "c2:11:22:33:44:55" with mode = "passthru"/);
    const result = world.must("ADD", own, { netns, plugin });
    assert.equal(linkOf(netns).address, linkOf(world.host, "up0").address);
    world.must("CHECK", { ...own, prevResult: result }, { netns, plugin });
    world.must("DEL", own, { netns, plugin });
  });

  for (const [title, more, says] of [
    ["no such master", { master: "none0" }, /master = "none0": the host has no interface of that name/],
    ["no master and no default route", { master: "" }, /Cannot find a master: the host has no default route/],
    ["no such master in the container", { linkInContainer: true }, /master = "up0": the container has no interface/],
    ["more than the master's MTU", { mtu: 1501 }, /Cannot use mtu = 1501/],
    ["no such mode", { mode: "hub" }, /Cannot use mode = "hub"/],
    ["no hardware address", { mac: "01:00:5e:00:00:01" }, /Cannot use mac = "01:00:5e:00:00:01"/],
  ] as const) {
    it(`it refuses ${title}, and changes nothing`, () => {
      const { world, plugin } = onNetwork();
      using _ = world;
      const netns = world.netns();
      const before = world.snapshot(netns);
      const { json } = world.call("ADD", config(world, more), { netns, plugin });
      assert.equal(json.code, 7);
      assert.match(json.msg, says);
      assert.deepEqual(world.snapshot(netns), before);
    });
  }

  it("it names the bridge if the master is its port", () => {
    const { world, plugin } = onNetwork();
    using _ = world;
    world.host.ip("link", "add", "br9", "type", "bridge");
    world.host.ip("link", "set", "up0", "master", "br9");
    const { json } = world.call("ADD", config(world), { netns: world.netns(), plugin });
    assert.match(json.msg, /master = "up0": it is a port of a bridge/);
  });

  it("a container attached in one namespace is refused in another", () => {
    const { world, plugin } = onNetwork();
    using _ = world;
    const [a, b] = [world.netns(), world.netns()];
    world.must("ADD", config(world), { netns: a, plugin });
    const { json } = world.call("ADD", config(world), { netns: b, plugin });
    assert.match(json.msg, /attached already, in the namespace/);
    assert.deepEqual(world.leases(), ["c1/eth0 10.7.0.2/24 fd07::2/64"]);
  });

  it("GC removes what is not valid, and STATUS says when there is no master", () => {
    const { world, plugin } = onNetwork();
    using _ = world;
    const [a, b] = [world.netns(), world.netns()];
    world.must("ADD", config(world), { netns: a, plugin, container: "a" });
    world.must("ADD", config(world), { netns: b, plugin, container: "b" });
    const valid = [{ containerID: "b", ifname: "eth0" }];
    world.must("GC", { ...config(world), "cni.dev/valid-attachments": valid }, { plugin });
    assert.deepEqual(
      a.ip("link").map(({ ifname }) => ifname),
      ["lo"],
    );
    assert.equal(linkOf(b).ifname, "eth0");
    assert.deepEqual(world.leases(), ["b/eth0 10.7.0.3/24 fd07::3/64"]);
    world.must("STATUS", config(world), { plugin });
    const { json } = world.call("STATUS", config(world, { master: "none0" }), { plugin });
    assert.equal(json.code, 50);
    assert.match(json.msg, /none0/);
  });

  it("without its entry it is removed by its marks, and a foreign interface of that name is left", () => {
    const { world, plugin } = onNetwork();
    using _ = world;
    const netns = world.netns();
    world.must("ADD", config(world), { netns, plugin });
    const other = config(world, { dataDir: `${world.dataDir}-other` });
    world.must("DEL", { ...other, name: "elsewhere" }, { netns, plugin });
    assert.equal(linkOf(netns).ifname, "eth0");
    world.must("DEL", other, { netns, plugin });
    assert.deepEqual(
      netns.ip("link").map(({ ifname }) => ifname),
      ["lo"],
    );
  });

  it("a lost store is rebuilt from the containers: no address is given twice, and DEL needs no path", () => {
    const { world, plugin } = onNetwork();
    using _ = world;
    const [a, b] = [world.netns(), world.netns()];
    const result = world.must("ADD", config(world), { netns: a, plugin, container: "a" });
    rmSync(world.dataDir, { recursive: true });
    world.must("ADD", config(world), { netns: b, plugin, container: "b" });
    assert.deepEqual(world.leases(), ["a/eth0 10.7.0.2/24 fd07::2/64", "b/eth0 10.7.0.3/24 fd07::3/64"]);
    world.must("CHECK", { ...config(world), prevResult: result }, { netns: a, plugin, container: "a" });
    world.must("DEL", config(world), { netns: "", plugin, container: "a" });
    assert.deepEqual(
      a.ip("link").map(({ ifname }) => ifname),
      ["lo"],
    );
  });

  it("keeps its address in a full pool while it is alive, although its name was removed", async () => {
    const { world, plugin } = onNetwork();
    using _ = world;
    const tiny = config(world, { ipam: { type: "host-local", subnet: "10.7.0.0/30" } });
    const netns = world.netns();
    const { ips } = world.must("ADD", tiny, { netns, plugin, container: "old" });
    const holder = Bun.spawn(netns.inside(["sh", "-c", "echo held; read _"]), { stdin: "pipe", stdout: "pipe" });
    await holder.stdout.getReader().read();
    netns[Symbol.dispose]();
    const another = world.netns();
    const { json } = world.call("ADD", tiny, { netns: another, plugin, container: "new" });
    assert.equal(json.code, 11, JSON.stringify(json));
    assert.deepEqual(world.leases(), [`old/eth0 ${ips[0].address}`]);
    holder.kill();
    await holder.exited;
    // Otherwise another test may get the namespace's inode, and appear to be it.
    run(["sqlite3", join(world.dataDir, "ns-net.sqlite"), "UPDATE attachment SET netns_inode = '1'"]);
    const given = world.must("ADD", tiny, { netns: another, plugin, container: "new" });
    assert.deepEqual(given.ips, ips);
  });
});
