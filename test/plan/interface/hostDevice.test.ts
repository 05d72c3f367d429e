/**
 * host-device on the real kernel: an interface of the host, here an end of a cable, moved to a container. Witnesses:
 * `ip`, `ping`.
 */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { onOtherSysfs } from "../../support/otherSysfs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, type Netns, run } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const ipam = { type: "host-local", subnet: "10.7.0.0/24" };

/** A host with a device ens3, up, with name and group of its administrator, and a machine at its other end. */
function withDevice() {
  const world = freshWorld();
  const plugin = join(world.dataDir, "../host-device");
  symlinkSync(nsNet, plugin);
  const outside = world.netns("outside");
  cable({ ns: world.host, ifname: "ens3" }, { ns: outside, ifname: "far0", cidrs: ["10.7.0.1/24"] });
  world.host.ip("link", "set", "ens3", "group", "77", "alias", "the 3rd port");
  return { world, plugin, outside };
}

const config = (world: World, more: object = {}) => {
  return {
    cniVersion: "1.1.0",
    name: "port",
    type: "host-device",
    device: "ens3",
    dataDir: world.dataDir,
    ipam,
    ...more,
  };
};

const looks = (ns: Netns, name: string) => {
  const [{ ifname, address, mtu, flags, group, ifalias }] = ns.ip("link", "show", name);
  return { ifname, address, mtu, up: flags.includes("UP"), group, ifalias };
};

const names = (ns: Netns) => ns.ip("link").map(({ ifname }) => ifname);

describe("Called as host-device", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ping");
  });

  it("it moves the device and restores it with any input of DEL", () => {
    for (const told of ["path", "nothing", "a file"] as const) {
      const { world, plugin, outside } = withDevice();
      using _ = world;
      const before = looks(world.host, "ens3");
      const netns = world.netns();
      const result = world.must("ADD", config(world), { netns, plugin });
      assert.deepEqual(result, {
        cniVersion: "1.1.0",
        interfaces: [{ name: "eth0", mac: before.address, mtu: 1500, sandbox: netns.path }],
        ips: [{ address: "10.7.0.2/24", gateway: "10.7.0.1", interface: 0 }],
      });
      assert.deepEqual(names(world.host), ["lo"]);
      assert.equal(looks(netns, "eth0").ifalias, "ens3");
      assert.match(outside.run("ping", "-c1", "-W5", "10.7.0.2"), /1 received/);
      world.must("CHECK", { ...config(world), prevResult: result }, { netns, plugin });
      world.must("DEL", config(world), {
        netns: { path: netns, nothing: "", "a file": "/etc/hostname" }[told],
        plugin,
      });
      assert.deepEqual(looks(world.host, "ens3"), before, told);
      assert.deepEqual(names(netns), ["lo"]);
      assert.deepEqual(world.leases(), []);
      world.must("DEL", config(world), { netns, plugin });
      world.must("ADD", config(world), { netns, plugin });
    }
  });

  it("without its entry the device is returned by its alias", () => {
    const { world, plugin } = withDevice();
    using _ = world;
    const netns = world.netns();
    world.must("ADD", config(world), { netns, plugin });
    run(["rm", "-r", world.dataDir]);
    world.must("DEL", config(world), { netns, plugin });
    assert.deepEqual(names(world.host), ["lo", "ens3"]);
    assert.equal(looks(world.host, "ens3").ifalias, undefined);
  });

  for (const [title, remove] of [
    ["DEL", "DEL"],
    ["GC", "GC"],
  ] as const) {
    it(`${title} restores the name of a device that the kernel returned`, () => {
      const { world, plugin } = withDevice();
      using _ = world;
      const before = looks(world.host, "ens3");
      const netns = world.netns();
      world.must("ADD", config(world), { netns, plugin });
      // The state of a physical device after its namespace ended, except that the group and alias are kept.
      netns.ip("link", "set", "eth0", "down");
      netns.run("ip", "link", "set", "eth0", "name", "dev7");
      netns.ip("link", "set", "dev7", "netns", world.host.name);
      netns[Symbol.dispose]();
      if (remove === "DEL") world.must("DEL", config(world), { netns, plugin });
      else world.must("GC", { ...config(world), "cni.dev/valid-attachments": [] }, { plugin });
      assert.deepEqual(looks(world.host, "ens3"), title === "DEL" ? before : looks(world.host, "ens3"));
      assert.deepEqual(names(world.host), ["lo", "ens3"]);
      assert.deepEqual(world.leases(), []);
    });
  }

  it("a namespace that ended with a software device in it leaves no lease", () => {
    const { world, plugin } = withDevice();
    using _ = world;
    const netns = world.netns();
    world.must("ADD", config(world), { netns, plugin });
    netns[Symbol.dispose]();
    world.must("DEL", config(world), { netns, plugin });
    assert.deepEqual(world.leases(), []);
  });

  it("a device whose name is in use meanwhile is returned under another, and not lost", () => {
    const { world, plugin } = withDevice();
    using _ = world;
    const netns = world.netns();
    world.must("ADD", config(world), { netns, plugin, ifname: "lo2" });
    world.host.ip("link", "add", "ens3", "type", "bridge");
    world.must("DEL", config(world), { netns, plugin, ifname: "lo2" });
    assert.deepEqual(names(world.host), ["lo", "dev0", "ens3"]);
    assert.equal(looks(world.host, "dev0").ifalias, "ens3");
  });

  it("it needs a free name in the container, and else returns the device", () => {
    const { world, plugin } = withDevice();
    using _ = world;
    const netns = world.netns();
    netns.ip("link", "add", "ens3", "type", "bridge");
    world.must("ADD", config(world, { ipam: {} }), { netns, plugin });
    assert.deepEqual(names(netns).sort(), ["ens3", "eth0", "lo"]);
    world.must("DEL", config(world, { ipam: {} }), { netns, plugin });
    assert.deepEqual(names(world.host), ["lo", "ens3"]);
    const routes = [{ dst: "10.50.0.0/16", gw: "10.99.0.1" }];
    const before = looks(world.host, "ens3");
    const { code } = world.call("ADD", config(world, { ipam: { ...ipam, routes } }), { netns, plugin });
    assert.notEqual(code, 0);
    assert.deepEqual(looks(world.host, "ens3"), before);
    assert.deepEqual(world.leases(), []);
  });

  it("it finds the device by its hardware address", () => {
    const { world, plugin } = withDevice();
    using _ = world;
    const netns = world.netns();
    const { address } = looks(world.host, "ens3");
    const { device: __, ...own } = config(world, { hwaddr: address!.toUpperCase() });
    world.must("ADD", own, { netns, plugin });
    assert.equal(looks(netns, "eth0").address, address);
    world.must("DEL", { ...own, hwaddr: "02:00:00:00:00:09" }, { netns, plugin });
    assert.equal(looks(world.host, "ens3").address, address);
  });

  it("it names the container that has the device, and so does STATUS", () => {
    const { world, plugin } = withDevice();
    using _ = world;
    world.must("STATUS", config(world), { plugin });
    world.must("ADD", config(world), { netns: world.netns(), plugin, container: "a" });
    const { json } = world.call("ADD", config(world), { netns: world.netns(), plugin, container: "b" });
    assert.equal(json.code, 7);
    assert.match(json.msg, /Cannot use device = "ens3": a\/eth0 .*has it|eth0.*a.*has it/);
    assert.equal(world.call("STATUS", config(world), { plugin }).json.code, 50);
  });

  it("a device that a driver hands to a program stays where it is; its addresses are reported (DPDK)", () => {
    const { world, plugin: bare } = withDevice();
    using _ = world;
    const address = "0000:00:1f.7";
    const [folder, driver] = [`/sys/bus/pci/devices/${address}`, "/sys/bus/pci/drivers/vfio-pci"];
    const plugin = onOtherSysfs(bare, `mkdir -p ${folder} ${driver} && ln -s ${driver} ${folder}/driver`);
    const own = config(world, { device: "", pciBusID: address });
    const netns = world.netns();
    const before = world.snapshot(netns);
    const result = world.must("ADD", own, { netns, plugin });
    assert.deepEqual(result.interfaces, [{ name: "eth0", sandbox: netns.path }]);
    assert.deepEqual(result.ips, [{ address: "10.7.0.2/24", gateway: "10.7.0.1", interface: 0 }]);
    assert.deepEqual(world.leases(), ["c1/eth0 10.7.0.2/24"]);
    world.must("CHECK", { ...own, prevResult: result }, { netns, plugin });
    world.must("DEL", own, { netns: "", plugin });
    assert.deepEqual(world.snapshot(netns), before);
    assert.deepEqual(names(netns), ["lo"]);
  });

  for (const [more, says] of [
    [{ device: "none0" }, /Cannot use device = "none0": the host has no such interface/],
    [{ device: "lo" }, /Cannot use device = "lo": the host's loopback stays/],
    [{ device: "" }, /The key device is missing|Cannot use device = ""/],
    [{ device: "", hwaddr: "02:00:00:00:00:09" }, /hwaddr = "02:00:00:00:00:09": the host has no such/],
    [{ device: "", kernelpath: "/etc/../sys" }, /Cannot use kernelpath/],
    [{ device: "", kernelpath: "/sys/devices/../../etc" }, /Cannot use kernelpath/],
    [{ device: "", kernelpath: "/sys/devices/none" }, /kernelpath = "\/sys\/devices\/none": the host has no such/],
    [{ device: "", pciBusID: "0000:ff:1f.7" }, /pciBusID = "0000:ff:1f.7": the host has no such/],
    [{ runtimeConfig: { deviceID: "0000:ff:1f.7" } }, /deviceID = "0000:ff:1f.7": the host has no such/],
    [{ runtimeConfig: { deviceID: "../.." } }, /Cannot use runtimeConfig.deviceID/],
  ] as const) {
    it(`it refuses ${JSON.stringify(more)}`, () => {
      const { world, plugin } = withDevice();
      using _ = world;
      const netns = world.netns();
      const before = world.snapshot(netns);
      const { json } = world.call("ADD", config(world, more), { netns, plugin });
      assert.equal(json.code, 7);
      assert.match(json.msg, says);
      assert.deepEqual(world.snapshot(netns), before);
    });
  }
});
