/**
 * ipvlan, vlan, dummy, tap and vrf on the real kernel if it has them, and their refusals on any. Witnesses: `ip`,
 * `ping`.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Need, needs } from "../../support/needs.ts";
import { onOtherSysfs } from "../../support/otherSysfs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const ipam = { type: "host-local", subnet: "10.7.0.0/24" };

function onNetwork(type: string) {
  const world = freshWorld();
  const plugin = join(world.dataDir, "..", type);
  symlinkSync(nsNet, plugin);
  const outside = world.netns("outside");
  cable({ ns: world.host, ifname: "up0" }, { ns: outside, ifname: "far0", cidrs: ["10.7.0.1/24"] });
  const config = (more: object = {}) => {
    return { cniVersion: "1.1.0", name: "lan", type, dataDir: world.dataDir, ipam, ...more };
  };
  return { world, plugin, outside, config };
}

describe("Called as ipvlan, vlan, dummy or tap", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ping");
  });

  const kinds: readonly [type: string, more: object, data: object, ...needed: Need[]][] = [
    ["ipvlan", { master: "up0", mode: "l2" }, { mode: "l2" }, "ipvlan"],
    ["vlan", { master: "up0", vlanId: 101 }, { id: 101 }, "vlan"],
    ["dummy", {}, {}, "dummy"],
    ["tap", { owner: 54321, multiQueue: true }, { type: "tap", multi_queue: true, user: 54321, persist: true }, "tap"],
  ];

  for (const [type, more, data, ...needed] of kinds) {
    it(`${type}: creates the interface, reports it, checks it, and removes it with any input of DEL`, function () {
      needs(this, ...needed);
      for (const toldNothing of [false, true]) {
        const { world, plugin, config } = onNetwork(type);
        using _ = world;
        const netns = world.netns();
        const result = world.must("ADD", config(more), { netns, plugin });
        const [{ address, mtu, linkinfo, flags }] = netns.ip("link", "show", "eth0");
        assert.deepEqual(result.interfaces, [{ name: "eth0", mac: address, mtu, sandbox: netns.path }]);
        assert.deepEqual(result.ips, [{ address: "10.7.0.2/24", gateway: "10.7.0.1", interface: 0 }]);
        for (const [key, value] of Object.entries(data)) {
          assert.equal(String(linkinfo.info_data[key]), String(value), JSON.stringify(linkinfo));
        }
        assert.ok(flags.includes("UP"));
        world.must("CHECK", { ...config(more), prevResult: result }, { netns, plugin });
        netns.ip("link", "set", "eth0", "mtu", "1300");
        const { json } = world.call("CHECK", { ...config(more), prevResult: result }, { netns, plugin });
        assert.match(json.msg, /mtu of link eth0 in the container: expected 1500, found 1300/);
        world.must("DEL", config(more), { netns: toldNothing ? "" : netns, plugin });
        assert.deepEqual(
          netns.ip("link").map(({ ifname }) => ifname),
          ["lo"],
        );
        assert.deepEqual(world.leases(), []);
      }
    });
  }

  for (const [type, more] of [
    ["ipvlan", { master: "up0", mode: "l2" }],
    ["vlan", { master: "up0", vlanId: 0 }],
  ] as const) {
    it(`${type}: reaches other machines on its master's network`, function () {
      needs(this, type);
      const { world, plugin, outside, config } = onNetwork(type);
      using _ = world;
      if (type === "vlan") {
        outside.ip("address", "flush", "dev", "far0");
        outside.ip("link", "add", "link", "far0", "name", "far0.0", "type", "vlan", "id", "0");
        outside.ip("address", "add", "10.7.0.1/24", "dev", "far0.0");
        outside.ip("link", "set", "far0.0", "up");
      }
      const netns = world.netns();
      world.must("ADD", config(more), { netns, plugin });
      assert.match(netns.run("ping", "-c1", "-W5", "10.7.0.1"), /1 received/);
    });
  }

  it("tap: joins a bridge in the container, gets a hardware address and an MTU, and needs no IPAM", function () {
    needs(this, "tap");
    const { world, plugin, config } = onNetwork("tap");
    using _ = world;
    const netns = world.netns();
    netns.ip("link", "add", "br1", "type", "bridge");
    const own = config({ bridge: "br1", mac: "c2:11:22:33:44:55", mtu: 1400, ipam: {} });
    const result = world.must("ADD", own, { netns, plugin });
    const [{ address, mtu, master }] = netns.ip("link", "show", "eth0");
    assert.deepEqual([address, mtu, master], ["c2:11:22:33:44:55", 1400, "br1"]);
    world.must("CHECK", { ...own, prevResult: result }, { netns, plugin });
    netns.ip("link", "set", "eth0", "nomaster");
    const { json } = world.call("CHECK", { ...own, prevResult: result }, { netns, plugin });
    assert.match(json.msg, /master of link eth0 in the container: expected br1, found none/);
    world.must("DEL", own, { netns, plugin });
    const refused = world.call("ADD", config({ bridge: "none0", ipam: {} }), { netns, plugin });
    assert.notEqual(refused.code, 0);
    assert.deepEqual(
      netns.ip("link").map(({ ifname }) => ifname),
      ["lo", "br1"],
    );
  });

  it("tap: an SELinux context has no effect without SELinux, and is refused with it", function () {
    needs(this, "tap");
    const { world, plugin, config } = onNetwork("tap");
    using _ = world;
    const netns = world.netns();
    const labelled = config({ selinuxContext: "system_u:system_r:container_t:s0" });
    world.must("ADD", labelled, { netns, plugin: onOtherSysfs(plugin, "") });
    world.must("DEL", labelled, { netns, plugin });
    const before = world.snapshot(netns);
    const sysfs = "mkdir /sys/fs/selinux && echo 1 > /sys/fs/selinux/enforce";
    const { json } = world.call("ADD", labelled, { netns, plugin: onOtherSysfs(plugin, sysfs) });
    assert.equal(json.code, 2);
    assert.match(json.msg, /Cannot use selinuxContext/);
    assert.deepEqual(world.snapshot(netns), before);
  });

  for (const [type, more, code, says] of [
    ["vlan", { vlanId: 5 }, 7, /The key master is missing/],
    ["vlan", { master: "up0", vlanId: 4095 }, 7, /Cannot use vlanId = 4095/],
    ["vlan", { master: "up0", vlanId: -1 }, 7, /Cannot use vlanId = -1/],
    ["vlan", { master: "none0", vlanId: 5 }, 7, /Cannot use master = "none0"/],
    ["vlan", { master: "up0", vlanId: 5, mtu: 9000 }, 7, /Cannot use mtu = 9000/],
    ["ipvlan", { master: "up0", mode: "l4" }, 7, /Cannot use mode = "l4"/],
    ["ipvlan", {}, 7, /Cannot find a master/],
    ["dummy", { ipam: {} }, 7, /The key ipam is missing/],
    ["tap", { owner: -1 }, 7, /Cannot use owner = -1/],
  ] as const) {
    it(`${type}: refuses ${JSON.stringify(more)}`, () => {
      const { world, plugin, config } = onNetwork(type);
      using _ = world;
      const netns = world.netns();
      const before = world.snapshot(netns);
      const { json } = world.call("ADD", config(more), { netns, plugin });
      assert.match(json.msg, says);
      assert.equal(json.code, code);
      assert.deepEqual(world.snapshot(netns), before);
    });
  }

  it("a kernel without the kind is reported, and nothing is left", () => {
    const { world, plugin, config } = onNetwork("dummy");
    using _ = world;
    const netns = world.netns();
    const { code, json } = world.call("ADD", config(), { netns, plugin });
    if (code !== 0) assert.match(json.msg, /Cannot create dummy eth0: this kernel cannot do that \(EOPNOTSUPP/);
    world.must("DEL", config(), { netns, plugin });
    assert.deepEqual(world.leases(), []);
  });
});

describe("Called as vrf", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6");
  });

  function chain(world: World, plugin: string) {
    const netns = world.netns();
    const ranges = [[{ subnet: "10.7.0.0/24" }], [{ subnet: "fd07::/64" }]];
    const prevResult = world.must("ADD", world.network({ ipam: { type: "ns-net", ranges } }), { netns });
    return { netns, prevResult, call: { netns, plugin } };
  }

  it("it moves the interface into a VRF with its addresses and routes, and the last DEL removes the VRF", function () {
    needs(this, "vrf");
    const { world, plugin, config } = onNetwork("vrf");
    using _ = world;
    const { netns, prevResult, call } = chain(world, plugin);
    const own = config({ vrfname: "blue", ipam: undefined, prevResult });
    const result = world.must("ADD", own, call);
    assert.deepEqual(result, prevResult);
    assert.equal(netns.ip("link", "show", "eth0")[0].master, "blue");
    assert.deepEqual(
      netns.ip("route", "show", "vrf", "blue").map(({ dst }) => dst),
      ["default", "10.7.0.0/24"],
    );
    assert.ok(
      netns.ip("-6", "address", "show", "eth0")[0].addr_info.some((one: { local: string }) => one.local === "fd07::2"),
    );
    world.must("CHECK", { ...own, prevResult: result }, call);
    world.must("DEL", own, call);
    assert.deepEqual(
      netns.ip("link").map(({ ifname }) => ifname),
      ["lo", "eth0"],
    );
    world.must("DEL", own, { ...call, netns: "" });
  });

  for (const [title, more, says] of [
    ["no name", {}, /The key vrfname is missing/],
    ["a name that no link can have", { vrfname: "a/b" }, /Cannot use vrfname = "a\/b"/],
    [
      "a link that is no VRF",
      { vrfname: "lo" },
      /vrfname = "lo": the container's link of that name is a device, no VRF/,
    ],
  ] as const) {
    it(`it refuses ${title}`, () => {
      const { world, plugin, config } = onNetwork("vrf");
      using _ = world;
      const { netns, prevResult, call } = chain(world, plugin);
      const before = world.snapshot(netns);
      const { json } = world.call("ADD", config({ ipam: undefined, prevResult, ...more }), call);
      assert.equal(json.code, 7);
      assert.match(json.msg, says);
      assert.deepEqual(world.snapshot(netns), before);
    });
  }
});

describe("An IPAM that is another program", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "reference plugins");
  });

  const kinds: readonly [type: string, more: object, need: Need][] = [
    ["macvlan", { master: "up0" }, "macvlan"],
    ["ipvlan", { master: "up0" }, "ipvlan"],
    ["vlan", { master: "up0", vlanId: 7 }, "vlan"],
    ["host-device", { device: "up0" }, "bridge"],
    ["dummy", {}, "dummy"],
    ["tap", {}, "tap"],
  ];

  for (const [type, more, need] of kinds) {
    it(`gets ADD, CHECK and DEL from ${type}, with the whole configuration`, function () {
      needs(this, need);
      const { world, plugin, config } = onNetwork(type);
      using _ = world;
      const [log, folder] = [join(world.dataDir, "../asked"), join(world.dataDir, "../ipams")];
      const answer = '{"cniVersion":"1.1.0","ips":[{"address":"10.7.0.9/24","gateway":"10.7.0.1"}]}';
      mkdirSync(folder);
      writeFileSync(
        join(folder, "elsewhere"),
        `#!/bin/sh\necho $CNI_COMMAND $(cat) >>${log}\n[ $CNI_COMMAND = ADD ] && echo '${answer}'\nexit 0\n`,
        { mode: 0o755 },
      );
      const netns = world.netns();
      const own = config({ ...more, ipam: { type: "elsewhere", key: 5 } });
      const call = { netns, plugin, pluginPath: folder, environment: { PATH: process.env.PATH! } };
      const result = world.must("ADD", own, call);
      assert.deepEqual(result.ips, [{ address: "10.7.0.9/24", gateway: "10.7.0.1", interface: 0 }]);
      world.must("CHECK", { ...own, prevResult: result }, call);
      if (type !== "host-device")
        world.must("STATUS", own, { plugin, pluginPath: folder, environment: call.environment });
      world.must("DEL", own, { ...call, netns: "" });
      const asked = readFileSync(log, "utf8").trim().split("\n");
      assert.deepEqual(
        asked.map((line) => line.split(" ")[0]),
        type === "host-device" ? ["ADD", "CHECK", "DEL"] : ["ADD", "CHECK", "STATUS", "DEL"],
      );
      assert.ok(
        asked.every((line) => line.includes('"key":5') && line.includes(`"type":"${type}"`)),
        asked.join("\n"),
      );
      assert.deepEqual(world.rows(), []);
    });
  }
});
