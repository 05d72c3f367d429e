/** tuning, and the key `sysctl` of type ns-net. Witnesses: `ip`, /proc/sys. */
import assert from "node:assert/strict";
import { statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { type Netns, run } from "../../support/sandbox.ts";
import { freshWorld, type World } from "../../support/world.ts";

const change = {
  ...{ mac: "c2:11:22:33:44:55", mtu: 1400, promisc: true, allmulti: true, txQLen: 500 },
  sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1", "net.core.somaxconn": "500" },
};

function looks(netns: Netns): object {
  const [{ address, mtu, txqlen, flags }] = netns.ip("link", "show", "eth0");
  return {
    ...{ address, mtu, txqlen },
    ...{ promisc: flags.includes("PROMISC"), allmulti: flags.includes("ALLMULTI") },
    ...{ filter: netns.sysctl("net/ipv4/conf/eth0/arp_filter"), somaxconn: netns.sysctl("net/core/somaxconn") },
  };
}

function chain(world: World) {
  const plugin = join(world.dataDir, "../tuning");
  symlinkSync(nsNet, plugin);
  const netns = world.netns();
  const prevResult = world.must("ADD", world.network(), { netns });
  return { netns, prevResult, call: { netns, plugin } };
}

const config = (world: World, more: object = {}) => ({ ...world.network({ ipam: {}, type: "tuning" }), ...more });

describe("tuning", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("changes what is configured, reports it, and restores everything on DEL", () => {
    using world = freshWorld();
    const { netns, prevResult, call } = chain(world);
    const before = looks(netns);
    const result = world.must("ADD", config(world, { ...change, prevResult }), call);
    assert.deepEqual(looks(netns), {
      ...{ address: change.mac, mtu: 1400, txqlen: 500, promisc: true, allmulti: true },
      ...{ filter: "1", somaxconn: "500" },
    });
    const inner = { ...prevResult.interfaces[2], mac: change.mac, mtu: 1400 };
    assert.deepEqual(result, { ...prevResult, interfaces: [...prevResult.interfaces.slice(0, 2), inner] });
    world.must("CHECK", config(world, { ...change, prevResult: result }), call);
    netns.ip("link", "set", "eth0", "promisc", "off");
    const { json } = world.call("CHECK", config(world, { ...change, prevResult: result }), call);
    assert.match(json.msg, /promisc of link eth0: expected true, found false/);
    world.must("DEL", config(world), call);
    assert.deepEqual(looks(netns), before);
    world.must("DEL", config(world), call);
    world.must("DEL", config(world), { ...call, netns: "" });
  });

  it("restores nothing in a namespace that got the inode of the first", () => {
    using world = freshWorld();
    const { netns, prevResult, call } = chain(world);
    world.must("ADD", config(world, { sysctl: { "net.core.somaxconn": "500" }, prevResult }), call);
    run(["ip", "netns", "del", netns.name]);
    run(["ip", "netns", "add", netns.name]);
    netns.run("sysctl", "-qw", "net.core.somaxconn=77");
    const { ino } = statSync(netns.path);
    run(["sqlite3", join(world.dataDir, "ns-net.sqlite"), `UPDATE chained SET netns_inode = '${ino}'`]);
    world.must("DEL", config(world), call);
    assert.equal(netns.sysctl("net/core/somaxconn"), "77");
  });

  it("compares a setting of several numbers as the kernel formats it, and needs prevResult for CHECK", () => {
    using world = freshWorld();
    const { prevResult, call } = chain(world);
    const several = config(world, { sysctl: { "net.ipv4.ip_local_port_range": "1024  65000" }, prevResult });
    world.must("ADD", several, call);
    world.must("CHECK", several, call);
    const { prevResult: _, ...alone } = several as { prevResult?: unknown };
    assert.match(world.call("CHECK", alone, call).json.msg, /Cannot CHECK without prevResult/);
  });

  it("may occur twice in a list: the second leaves the first one's changes", () => {
    using world = freshWorld();
    const { netns, prevResult, call } = chain(world);
    world.must("ADD", config(world, { sysctl: { "net.core.somaxconn": "777" }, prevResult }), call);
    world.must("ADD", config(world, { mtu: 1400, prevResult }), call);
    assert.equal(netns.sysctl("net/core/somaxconn"), "777");
    assert.equal(netns.ip("link", "show", "eth0")[0].mtu, 1400);
  });

  it("leaves nothing half-done when the kernel refuses", () => {
    using world = freshWorld();
    const { netns, prevResult, call } = chain(world);
    const before = looks(netns);
    const bad = { ...change, sysctl: { ...change.sysctl, "net.ipv4.conf.IFNAME.nothing": "1" }, prevResult };
    assert.notEqual(world.call("ADD", config(world, bad), call).code, 0);
    assert.deepEqual(looks(netns), before);
  });

  it("accepts sysctls only in args.cni, and a mac first from runtimeConfig", () => {
    using world = freshWorld();
    const { netns, prevResult, call } = chain(world);
    const asked = {
      args: { cni: { sysctl: { "net.core.somaxconn": "77" } } },
      runtimeConfig: { mac: "C2-11-22-33-44-66" },
    };
    world.must("ADD", config(world, { mac: change.mac, ...asked, prevResult }), call);
    assert.equal(netns.sysctl("net/core/somaxconn"), "77");
    assert.equal(netns.ip("link", "show", "eth0")[0].address, "c2:11:22:33:44:66");
  });

  for (const spelling of [
    ["cni", "sysctl", "mac", "txQLen"],
    ["CNI", "SysCtl", "Mac", "TxQLen"],
  ] as const) {
    it(`obeys args.${spelling[0]} before the configuration and the runtime`, () => {
      using world = freshWorld();
      const { netns, prevResult, call } = chain(world);
      const [cni, sysctl, mac, txQLen] = spelling;
      const asked = {
        ...{ [mac]: "c2:11:22:33:44:77", mtu: 1300, promisc: false, allmulti: true, [txQLen]: 300, ips: ["10.7.0.9"] },
        [sysctl]: { "net.core.somaxconn": "77" },
      };
      const given = { ...change, allmulti: false, runtimeConfig: { mac: "c2:11:22:33:44:66" } };
      const result = world.must("ADD", config(world, { ...given, args: { [cni]: asked }, prevResult }), call);
      assert.deepEqual(looks(netns), {
        ...{ address: "c2:11:22:33:44:77", mtu: 1300, txqlen: 300, promisc: false, allmulti: true },
        ...{ filter: "1", somaxconn: "77" },
      });
      assert.equal(result.interfaces[2].mac, "c2:11:22:33:44:77");
    });
  }

  it("turns off what is false, leaves what is absent, and restores it on DEL", () => {
    using world = freshWorld();
    const { netns, prevResult, call } = chain(world);
    for (const word of ["promisc", "allmulticast"]) netns.ip("link", "set", "eth0", word, "on");
    const before = looks(netns);
    world.must("ADD", config(world, { allmulti: false, prevResult }), call);
    assert.deepEqual(looks(netns), { ...before, allmulti: false });
    world.must("ADD", config(world, { promisc: false, allmulti: false, prevResult }), { ...call, container: "c2" });
    assert.deepEqual(looks(netns), { ...before, promisc: false, allmulti: false });
    world.must("DEL", config(world), { ...call, container: "c2" });
    world.must("DEL", config(world), call);
    assert.deepEqual(looks(netns), before);
  });

  for (const [more, says] of [
    [{ args: { cni: { mtu: "x" } } }, /args\.cni\.mtu = "x"/],
    [{ args: { cni: { Sysctl: { "kernel.hostname": "x" } } } }, /args\.cni\.sysctl = "kernel.hostname"/],
    [{ sysctl: { "kernel.hostname": "x" } }, /sysctl = "kernel.hostname"/],
    [{ sysctl: { "net.ipv4.conf.../../kernel.hostname": "x" } }, /sysctl/],
    [{ sysctl: { "net.core.somaxconn": {} } }, /somaxconn/],
    [{ mac: "01:00:5e:00:00:01" }, /mac = "01:00:5e:00:00:01"/],
  ] as const) {
    it(`refuses ${JSON.stringify(more)}`, () => {
      using world = freshWorld();
      const { netns, prevResult, call } = chain(world);
      const before = looks(netns);
      const { json } = world.call("ADD", config(world, { ...more, prevResult }), call);
      assert.equal(json.code, 7);
      assert.match(json.msg, says);
      assert.deepEqual(looks(netns), before);
    });
  }
});

describe("The administrator's list of settings, /etc/cni/tuning/allowlist.conf", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  /** The plugin with its own list in its own mount namespace, where everything else of /etc is missing. */
  function listed(world: World, ...patterns: string[]): string {
    const plugin = join(world.dataDir, "../listed");
    const list = "/etc/cni/tuning/allowlist.conf";
    const script = `mount -t tmpfs none /etc && mkdir -p /etc/cni/tuning && printf '%s\\n' "$@" >${list} && exec ${nsNet}`;
    const words = patterns.map((pattern) => `'${pattern}'`).join(" ");
    writeFileSync(
      plugin,
      `#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nexec unshare --mount --propagation private sh -c '${script.replaceAll("'", `'\\''`)}' sh ${words}\n`,
      { mode: 0o755 },
    );
    return plugin;
  }

  it("allows what a pattern matches and names what none does, for tuning and for type ns-net", () => {
    using world = freshWorld();
    const { netns, prevResult } = chain(world);
    const plugin = listed(world, "^net\\.ipv4\\.conf\\.IFNAME\\.[a-z_]*$", "^net\\.core\\.[[:alnum:]]+$");
    const tune = (sysctl: object) => world.call("ADD", { ...config(world, { sysctl, prevResult }) }, { netns, plugin });
    assert.equal(tune({ "net.ipv4.conf.IFNAME.arp_filter": "1", "net.core.somaxconn": "77" }).code, 0);
    assert.equal(netns.sysctl("net/ipv4/conf/eth0/arp_filter"), "1");
    const { json } = tune({ "net.core.somaxconn": "78", "net.ipv4.ip_forward": "1" });
    assert.equal(json.code, 7);
    assert.match(json.msg, /net\.ipv4\.ip_forward: \/etc\/cni\/tuning\/allowlist\.conf/);
    assert.equal(netns.sysctl("net/core/somaxconn"), "77");
    const second = { netns, plugin, ifname: "eth1", container: "own" };
    const own = (sysctl: object) => world.call("ADD", world.network({ sysctl }), second);
    assert.match(own({ "net.ipv4.ip_forward": "1" }).json.msg, /allowlist/);
    assert.equal(own({ "net.core.somaxconn": "79" }).code, 0);
  });

  it("is refused if a line is no pattern", () => {
    using world = freshWorld();
    const { netns, prevResult } = chain(world);
    const plugin = listed(world, "net.(");
    const { json } = world.call("ADD", config(world, { sysctl: { "net.core.somaxconn": "77" }, prevResult }), {
      netns,
      plugin,
    });
    assert.match(json.msg, /net\.\( is no regular expression/);
  });
});

describe("The key sysctl of type ns-net", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("sets sysctls in the container, in the same call", () => {
    using world = freshWorld();
    const netns = world.netns();
    const own = world.network({ sysctl: change.sysctl });
    const prevResult = world.must("ADD", own, { netns });
    assert.equal(netns.sysctl("net/ipv4/conf/eth0/arp_filter"), "1");
    world.must("CHECK", { ...own, prevResult }, { netns });
    world.must("DEL", own, { netns });
  });
});
