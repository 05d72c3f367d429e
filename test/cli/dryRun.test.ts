/** The commands of `--dry-run`, typed into a shell, create the same network as ADD. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { links, run } from "../support/sandbox.ts";
import { freshPlace, lab, namedNetns, type Place } from "./place.ts";

interface Change {
  readonly ipam?: object | undefined;
  readonly runtimeConfig?: object;
  readonly [key: string]: unknown;
}

describe("ns-net add --dry-run", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  /** The carrier comes a moment after both ends are up (net/core/link_watch.c); only ns-net waits for it. */
  const settings = (flags: readonly string[]) =>
    flags.filter((flag) => flag !== "LOWER_UP" && flag !== "NO-CARRIER").sort();
  const rest = (place: Place) =>
    place.host
      .ip("address")
      .map(({ ifname, mtu, address, master, group, flags, addr_info, linkinfo }) => ({
        ...{
          ifname,
          mtu,
          address,
          master,
          group,
          flags: settings(flags),
          port: linkinfo?.info_slave_data?.hairpin,
        },
        addresses: global(addr_info),
      }))
      .sort((a, b) => (a.ifname < b.ifname ? -1 : 1));
  const global = (infos: { scope: string; local: string; prefixlen: number; broadcast?: string }[]) =>
    infos.filter(({ scope }) => scope === "global").map((one) => [one.local, one.prefixlen, one.broadcast]);
  const inside = (name: string) => {
    const ns = namedNetns(name);
    return {
      links: ns
        .ip("address")
        .map(({ ifname, mtu, address, flags, addr_info }) => [
          ifname,
          mtu,
          address,
          settings(flags),
          global(addr_info),
        ]),
      routes: [ns.ip("route"), ns.ip("-6", "route")].map((all) =>
        all
          .filter(({ dst }) => !dst.startsWith("fe80"))
          .map(({ dst, gateway, dev, metrics, metric, scope, protocol }) => ({
            ...{ dst, gateway, dev, metrics, metric, scope, protocol },
          })),
      ),
    };
  };
  const settingsFolders = ["ipv4/ip_forward", "ipv4/conf", "ipv6/conf"].map((path) => `/proc/sys/net/${path}`);
  /** Every sysctl of forwarding and of links, without those that differ for each link: a third of the time of sysctl -a. */
  const sysctls = (place: Place) =>
    place.host
      .run(
        "grep",
        "-rs",
        "",
        ...settingsFolders,
        "--exclude=stable_secret",
        "--exclude-dir=lo",
        "--exclude-dir=default",
      )
      .split("\n")
      .sort();

  const networks: readonly (readonly [title: string, change: Change, ifname?: string])[] = [
    ["the default network's kind", {}],
    [
      "both families with masquerade and routes",
      { ipMasq: true, ipam: { routes: [{ dst: "10.50.0.0/16", mtu: 1300, priority: 7 }, { dst: "fd50::/48" }] } },
    ],
    ["no addresses", { ipam: undefined }],
    ["an isolated port and another MTU", { portIsolation: true, mtu: 1400, promiscMode: true }],
    [
      "a policy of the bridge, and a check of the source",
      { ingressPolicy: "same-bridge", macspoofchk: true, ipMasq: true },
    ],
    [
      "ports whose callers are masqueraded, and an isolated bridge",
      {
        ingressPolicy: "isolated",
        masqAll: true,
        conditionsV4: ["!", "-s", "192.0.2.128/25", "-i", "up0"],
        runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
      },
    ],
    ["a name with dots", { name: "lab.example_1", ipMasq: true }],
    ["a setting of several words", { sysctl: { "net.ipv4.ip_local_port_range": "2000 2999" } }],
    [
      "names that a shell would take for more than words",
      {
        bridge: "b;$(id)'&",
        ingressPolicy: "same-bridge",
        macspoofchk: true,
        masqAll: true,
        runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
      },
      "e'th`id`;#",
    ],
    ["a bridge and an interface named like words of ip", { bridge: "link-netnsid", ipMasq: true, sysctl: {} }, "a"],
  ];

  const quoted = new Set([
    "a name with dots",
    "a setting of several words",
    "names that a shell would take for more than words",
    "a bridge and an interface named like words of ip",
  ]);

  const configurationOf = (change: Change) => {
    const ipam = "ipam" in change && change.ipam === undefined ? {} : { ...lab.ipam, ...change.ipam };
    return { ...lab, ...change, ipam, ...(Object.keys(ipam).length === 0 && { isDefaultGateway: false }) };
  };

  const all = (place: Place, name: string) => [
    ...[rest(place), inside(name), place.host.nft("list", "ruleset"), sysctls(place)],
    place.host.run("nsenter", `--net=/run/netns/${name}`, "sysctl", "-n", "net.ipv4.ip_local_port_range"),
  ];

  const type = (place: Place, script: string) => {
    const sh = Bun.spawnSync(place.host.inside(["sh", "-e"]), { stdin: Buffer.from(script) });
    assert.equal(sh.exitCode, 0, `${sh.stderr}\n${script}`);
  };

  for (const [title, change, ifname = "eth0"] of networks) {
    it(`prints commands by which a shell creates the same network: ${title}`, () => {
      using typed = freshPlace();
      using made = freshPlace();
      // The same name on both hosts, one after the other, because names and addresses follow from it.
      const name = typed.name();
      const network = typed.file("n.json", JSON.stringify(configurationOf(change)));
      const words = ["add", name, "--network", network, "--ifname", ifname];
      const script = typed.must(...words, "--dry-run");
      assert.equal(existsSync(`/run/netns/${name}`), false, "the namespace was made");
      assert.deepEqual([...links(typed.host).keys()], ["lo"], "something was made");
      type(typed, script);
      const byHand = all(typed, name);
      Bun.spawnSync(["ip", "netns", "del", name]);
      made.must(...words);
      assert.deepEqual(byHand, all(made, name));
      made.must("del", name);
    });

    // How words are quoted does not depend on what exists.
    if (quoted.has(title)) continue;
    it(`prints what is missing of an existing network: ${title}`, () => {
      using typed = freshPlace();
      using made = freshPlace();
      const [first, name] = [typed.name(), typed.name()];
      const config = configurationOf(change);
      const portMappings = [{ hostPort: 8081, containerPort: 80, protocol: "tcp" }];
      const standing = { ...config, ...(config.runtimeConfig && { runtimeConfig: { portMappings } }) };
      const words = ["add", name, "--network", typed.file("n.json", JSON.stringify(config)), "--ifname", ifname];
      const before = typed.file("first.json", JSON.stringify(standing));
      typed.must("add", first, "--network", before);
      const script = typed.must(...words, "--dry-run");
      assert.doesNotMatch(script, /type bridge|sysctl -w net.ipv.*forward|nft .?add (chain|table|set|map)/);
      type(typed, script);
      const byHand = all(typed, name);
      typed.must("del", first);
      Bun.spawnSync(["ip", "netns", "del", name]);
      made.must("add", first, "--network", before);
      made.must(...words);
      assert.deepEqual(byHand, all(made, name));
      for (const one of [first, name]) made.must("del", one);
    });
  }

  it("prints the reason above each group of commands, in one sentence that fits a line", () => {
    using place = freshPlace();
    const bandwidth = { ingressRate: 1_000_000, ingressBurst: 80_000, egressRate: 1_000_000, egressBurst: 80_000 };
    const network = place.file("n.json", JSON.stringify({ ...lab, ipMasq: true, macspoofchk: true, bandwidth }));
    const script = place.must("add", place.name(), "--network", network, "--publish", "8080:80", "--dry-run");
    const lines = script.trim().split("\n");
    assert.match(lines[0]!, /^# A new network namespace/);
    for (const [i, line] of lines.entries()) {
      if (!line.startsWith("#")) assert.match(line, /^(?:ip|nft|tc|bridge|sysctl|nsenter) /);
      else {
        assert.match(line, /^# [A-Z].{10,95}\.$/);
        assert.doesNotMatch(lines[i + 1]!, /^#/, "a reason without commands");
      }
    }
    const reasons = lines.filter((line) => line.startsWith("#"));
    for (const word of ["bridge", "NAT", "cable", "gateway", "rate", "Ports of the host"])
      assert.ok(
        reasons.some((line) => line.includes(word)),
        word,
      );
    const commands = lines.filter((line) => !line.startsWith("#"));
    assert.deepEqual(commands, [...new Set(commands)], "a command twice");
    type(place, script);
  });

  it("prints commands that create the same several networks, each with its default route", () => {
    using typed = freshPlace();
    using made = freshPlace();
    const name = typed.name();
    const second = { ...lab, name: "second", ipam: { ...lab.ipam, ranges: [[{ subnet: "10.21.0.0/24" }]] } };
    const files = [lab, second, lab].map((one, i) => typed.file(`${i}.json`, JSON.stringify(one)));
    const words = ["add", name, ...files.flatMap((file) => ["--network", file])];
    type(typed, typed.must(...words, "--dry-run"));
    const byHand = all(typed, name);
    Bun.spawnSync(["ip", "netns", "del", name]);
    made.must(...words);
    assert.deepEqual(byHand, all(made, name));
    made.must("del", name);
  });

  it("prints commands that create the same second interface with its default routes", () => {
    using typed = freshPlace();
    using made = freshPlace();
    const name = typed.name();
    const network = ["--network", typed.file("n.json", JSON.stringify(lab))];
    typed.must("add", name, ...network);
    type(typed, typed.must("add", name, ...network, "--ifname", "net1", "--dry-run"));
    const byHand = all(typed, name);
    typed.must("del", name);
    // The typed namespace has no proof of add, so del leaves it.
    Bun.spawnSync(["ip", "netns", "del", name]);
    for (const more of [[], ["--ifname", "net1"]]) made.must("add", name, ...network, ...more);
    assert.deepEqual(byHand, all(made, name));
    made.must("del", name);
  });

  it("prints commands for a bridge that is down, and for rules that another program removed", () => {
    using place = freshPlace();
    place.must("add", place.name());
    const standing = [rest(place), place.host.nft("list", "ruleset")];
    place.host.ip("link", "set", "nsnet0", "down");
    place.host.nft("flush", "ruleset");
    const next = place.name();
    const script = place.must("add", next, "--dry-run");
    assert.doesNotMatch(script, /type bridge/);
    const [own] = /nsv\w+/.exec(script)!;
    type(place, script);
    place.host.ip("link", "del", own);
    assert.deepEqual([rest(place), place.host.nft("list", "ruleset")], standing);
  });

  it("leaves the host and the store as they are when the pool is full of interrupted attachments", () => {
    using place = freshPlace();
    const ipam = { type: "ns-net", ranges: [[{ subnet: "10.9.0.0/30" }]] };
    const network = place.file(
      "small.json",
      JSON.stringify({ cniVersion: "1.1.0", name: "small", type: "ns-net", ipam }),
    );
    place.must("add", place.name(), "--network", network);
    const store = join(place.dataDir, "ns-net.sqlite");
    const noPid = 1 << 23; // above the kernel's highest limit, 2^22
    run(["sqlite3", store, `UPDATE attachment SET state = 'adding', pid = ${noPid}`]);
    const before = [rest(place), place.host.nft("list", "ruleset"), run(["sqlite3", store, ".dump attachment lease"])];
    const { code, err } = place.cli("add", place.name(), "--network", network, "--dry-run");
    assert.equal(code, 1);
    assert.match(err, /No free address/);
    assert.deepEqual(
      [rest(place), place.host.nft("list", "ruleset"), run(["sqlite3", store, ".dump attachment lease"])],
      before,
    );
  });
});
