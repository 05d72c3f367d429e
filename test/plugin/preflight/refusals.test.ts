/**
 * Bad input: each gets one JSON error with a code of the specification, a sentence and a cure, and an exit code other
 * than 0. The kernel and the store are unchanged.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { type Netns, run } from "../../support/sandbox.ts";
import { type CallOptions, dualStack, freshWorld, ranges, type World } from "../../support/world.ts";

import { assertRefused } from "../refused.ts";

const text = (value: object) => JSON.stringify(value);
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

describe("ADD refuses, and changes nothing:", () => {
  /** One world for all rows, because they test that nothing changes. */
  let world: World;
  let netns: Netns;
  let untouched: object;
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat");
    world = freshWorld();
    netns = world.netns();
    world.host.ip("link", "add", "veth-a", "type", "veth", "peer", "name", "veth-b");
    world.must("ADD", world.network({ ipMasq: true }), { netns: world.netns(), container: "other" });
    untouched = world.snapshot(netns);
  });
  after(() => world?.[Symbol.dispose]());

  const refuses = (
    title: string,
    code: number,
    says: RegExp,
    call: () => [string | object | Uint8Array, CallOptions?],
  ) =>
    it(title, () => {
      const [config, options] = call();
      assertRefused(world.call("ADD", config, { netns, ...options }), code, says);
      assert.deepEqual(world.snapshot(netns), untouched);
    });

  describe("standard input", () => {
    const config = () => text(world.network());
    const rows: [string, number, RegExp, () => string | Uint8Array][] = [
      ["empty", 6, /empty/, () => ""],
      ["white space", 6, /empty/, () => " \n\t "],
      ["cut off", 6, /ends too soon/, () => config().slice(0, -20)],
      ["cut off in a string", 6, /ends too soon/, () => config().slice(0, config().indexOf("podnet") + 3)],
      ["not JSON", 6, /not JSON/, () => "name: podnet"],
      ["JSON and something after it", 6, /not JSON/, () => `${config()} {}`],
      ["a list", 6, /object/, () => "[]"],
      ["null", 6, /object/, () => "null"],
      ["a number", 6, /object/, () => "42"],
      ["of 20 MB", 6, /16777216 bytes/, () => config().replace("{", `{"x":"${"x".repeat(20 << 20)}",`)],
      ["of 20 MB of white space", 6, /16777216 bytes/, () => " ".repeat(20 << 20)],
      ["nested 100 deep", 6, /nested/, () => nested(100)],
      ["nested 100,000 deep", 6, /nested/, () => nested(100_000)],
      ["100,000 open brackets", 6, /nested/, () => "[".repeat(100_000)],
      [
        "not UTF-8",
        6,
        /UTF-8/,
        () => Uint8Array.from([...Buffer.from('{"name": "'), 0xff, 0xfe, ...Buffer.from('"}')]),
      ],
      ["UTF-16", 6, /UTF-8|not JSON/, () => Buffer.from(config(), "utf16le")],
      ["bytes of zero", 6, /not JSON/, () => new Uint8Array(1000)],
    ];
    for (const [title, code, says, stdin] of rows) refuses(title, code, says, () => [stdin()]);
  });

  describe("a key of a wrong type:", () => {
    const wrong: Record<string, unknown> = {
      cniVersion: 1.1,
      name: 7,
      type: [],
      bridge: 1,
      isGateway: "true",
      isDefaultGateway: 1,
      forceAddress: "no",
      ipMasq: "true",
      ipMasqBackend: "pf",
      mtu: "1500",
      hairpinMode: "on",
      promiscMode: 0,
      portIsolation: {},
      macspoofchk: [],
      enabledad: "yes",
      disableContainerInterface: 1,
      vlan: "7",
      vlanTrunk: {},
      preserveDefaultVlan: "x",
      dataDir: 1,
      ipam: "host-local",
      dns: [],
      runtimeConfig: [],
      args: "x",
      prevResult: 7,
    };
    for (const [key, value] of Object.entries(wrong)) {
      const code = key === "cniVersion" ? 1 : 7;
      refuses(`${key} = ${JSON.stringify(value)}`, code, new RegExp(key), () => [world.network({ [key]: value })]);
    }
    const inside: Record<string, object> = {
      "ipam.type": { type: 7 },
      "ipam.ranges": { type: "ns-net", ranges: {} },
      "ipam.ranges[0]": { type: "ns-net", ranges: ["10.7.0.0/24"] },
      "ipam.ranges[0][0].subnet": { type: "ns-net", ranges: [[{ subnet: 10 }]] },
      "ipam.routes": { ...ranges("10.7.0.0/24"), routes: "0.0.0.0/0" },
      "ipam.routes[0].dst": { ...ranges("10.7.0.0/24"), routes: [{}] },
      "ipam.routes[0].mtu": { ...ranges("10.7.0.0/24"), routes: [{ dst: "10.9.0.0/24", mtu: "big" }] },
    };
    for (const [path, ipam] of Object.entries(inside)) {
      const literal = path.replace(/[[\].]/g, "\\$&");
      refuses(path, 7, new RegExp(literal), () => [world.network({ ipam })]);
    }
  });

  describe("an impossible value:", () => {
    const rows: [string, number, RegExp, object][] = [
      ["an unknown version", 1, /9\.9\.9/, { cniVersion: "9.9.9" }],
      ["no name", 7, /name/, { name: undefined }],
      ["a name with a slash", 7, /a\/b/, { name: "a/b" }],
      ["a misspelt key", 2, /ipMsaq/, { ipMsaq: true }],
      ["an MTU below IPv4's", 7, /mtu = 42/, { mtu: 42 }],
      ["an MTU below IPv6's", 7, /mtu = 1000/, { mtu: 1000, ipam: dualStack }],
      ["an MTU that no link has", 7, /mtu/, { mtu: 70000 }],
      ["host bits in a subnet", 7, /10\.7\.0\.5\/24/, { ipam: ranges("10.7.0.5/24") }],
      ["a subnet that is none", 7, /banana/, { ipam: ranges("banana") }],
      ["a subnet too small", 7, /10\.7\.0\.0\/31/, { ipam: ranges("10.7.0.0/31") }],
      ["overlapping ranges", 7, /10\.7\.0\.0\/25/, { ipam: ranges("10.7.0.0/24", "10.7.0.0/25") }],
      [
        "a gateway outside of its subnet",
        7,
        /gateway = "10\.8\.0\.1"/,
        { ipam: { type: "ns-net", ranges: [[{ subnet: "10.7.0.0/24", gateway: "10.8.0.1" }]] } },
      ],
      [
        "a range that ends before it starts",
        7,
        /rangeEnd/,
        {
          ipam: { type: "ns-net", ranges: [[{ subnet: "10.7.0.0/24", rangeStart: "10.7.0.9", rangeEnd: "10.7.0.8" }]] },
        },
      ],
      [
        "two families in a set",
        7,
        /fd07/,
        { ipam: { type: "ns-net", ranges: [[{ subnet: "10.7.0.0/24" }, { subnet: "fd07::/64" }]] } },
      ],
      ["an empty set", 7, /ranges\[0\]/, { ipam: { type: "ns-net", ranges: [[]] } }],
      ["a plugin that is nowhere", 7, /banana/, { ipam: { type: "banana" } }],
      ["a plugin's name that leads elsewhere", 7, /\.\.\/x/, { ipam: { type: "../x" } }],
      ["a bridge name of 16 bytes", 7, /bridge/, { bridge: "abcdefghijklmnop" }],
      ["a bridge name with a slash", 7, /bridge/, { bridge: "a/b" }],
      ["an empty bridge name", 7, /bridge/, { bridge: "" }],
      ["a bridge name that is a veth", 7, /veth-a.*veth/, { bridge: "veth-a" }],
      ["a bridge name that is the loopback", 7, /"lo"/, { bridge: "lo" }],
      ["promiscMode with hairpinMode", 7, /hairpinMode/, { promiscMode: true, hairpinMode: true }],
      ["disableContainerInterface with addresses", 7, /disableContainerInterface/, { disableContainerInterface: true }],
      [
        "a bridge name too long for its VLAN's gateway",
        7,
        /abcdefghijkl\.4094/,
        { bridge: "abcdefghijkl", vlan: 4094 },
      ],
      ["a relative folder", 7, /dataDir/, { dataDir: "leases" }],
      ["a requested address outside of the subnet", 7, /10\.9\.0\.1/, { runtimeConfig: { ips: ["10.9.0.1"] } }],
      ["a requested address that is the gateway's", 7, /10\.7\.0\.1/, { runtimeConfig: { ips: ["10.7.0.1"] } }],
      ["a requested address that is none", 7, /banana/, { runtimeConfig: { ips: ["banana"] } }],
      ["a multicast hardware address", 7, /mac/, { runtimeConfig: { mac: "01:00:5e:00:00:01" } }],
      ["a hardware address that is none", 7, /mac/, { runtimeConfig: { mac: "banana" } }],
      [
        "two addresses of a family in 0.2.0",
        7,
        /0\.3\.0|at most one/i,
        { cniVersion: "0.2.0", ipam: ranges("10.7.0.0/24", "10.8.0.0/24") },
      ],
    ];
    for (const [title, code, says, change] of rows) {
      it(title, () => {
        const answer = world.call("ADD", world.network(change), { netns });
        assertRefused(answer, code);
        assert.match(`${answer.json.msg} ${answer.json.details}`, says);
        assert.deepEqual(world.snapshot(netns), untouched);
      });
    }
  });

  describe("the environment:", () => {
    const rows: [string, number, RegExp, CallOptions][] = [
      ["an interface name of no bytes", 4, /CNI_IFNAME/, { ifname: "" }],
      ["an interface name of 16 bytes", 4, /abcdefghijklmnop/, { ifname: "abcdefghijklmnop" }],
      ["an interface name of 15 letters and 16 bytes", 4, /CNI_IFNAME/, { ifname: "abcdefghijklmné" }],
      ["an interface name .", 4, /"\."/, { ifname: "." }],
      ["an interface name ..", 4, /"\.\."/, { ifname: ".." }],
      ["an interface name a/b", 4, /a\/b/, { ifname: "a/b" }],
      ["an interface name with a colon", 4, /a:b/, { ifname: "a:b" }],
      ["an interface name with a space", 4, /a b/, { ifname: "a b" }],
      ["an interface name with a format", 4, /eth%d/, { ifname: "eth%d" }],
      ["an interface name already taken", 4, /lo already/, { ifname: "lo" }],
      ["a container id of no bytes", 4, /CNI_CONTAINERID/, { container: "" }],
      ["a container id with a slash", 4, /a\/b/, { container: "a/b" }],
      ["no namespace", 4, /CNI_NETNS/, { netns: "" }],
      ["a namespace that is missing", 3, /no-such-name/, { netns: "/run/netns/no-such-name" }],
      ["a namespace of another kind", 8, /not a network namespace/, { netns: "/proc/self/ns/mnt" }],
      ["a namespace that is a file", 8, /not a network namespace/, { netns: "/etc/passwd" }],
      ["a namespace that is a folder", 8, /not a network namespace/, { netns: "/run" }],
      ["a namespace that is a device", 8, /not a network namespace/, { netns: "/dev/zero" }],
      ["CNI_ARGS that is no pair", 4, /CNI_ARGS/, { args: "banana" }],
      ["CNI_ARGS with an unknown key", 4, /COLOUR/, { args: "COLOUR=red" }],
      ["CNI_ARGS with an address that is none", 4, /banana/, { args: "IP=banana" }],
    ];
    for (const [title, code, says, options] of rows) refuses(title, code, says, () => [world.network(), options]);

    it("a FIFO as a namespace, without waiting for its other end", () => {
      const folder = mkdtempSync(join(tmpdir(), "ns-net-fifo-"));
      try {
        run(["mkfifo", join(folder, "fifo")]);
        assertRefused(world.call("ADD", world.network(), { netns: join(folder, "fifo") }), 8);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it("an unknown verb, and all variables that are missing at once", () => {
      const call = (variables: Record<string, string>) => {
        const done = Bun.spawnSync(world.host.inside([nsNet]), {
          env: { PATH: process.env.PATH!, ...variables },
          stdin: Buffer.from(text(world.network())),
        });
        return { ...JSON.parse(done.stdout.toString()), exit: done.exitCode };
      };
      const unknown = call({ CNI_COMMAND: "FROB" });
      assert.deepEqual([unknown.exit, unknown.code], [1, 4]);
      const missing = call({ CNI_COMMAND: "ADD" });
      assert.deepEqual([missing.exit, missing.code], [1, 4]);
      for (const name of ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]) assert.ok(missing.msg.includes(name), name);
      assert.deepEqual(world.snapshot(netns), untouched);
    });
  });
});
