/** The keys that each chained plugin reads, and those that it leaves to others. */
import assert from "node:assert/strict";
import { parseDelete, parseRequest } from "../../../conf/parse.ts";
import { addEnv, bytes, refuses } from "../refuses.ts";

const prevResult = { cniVersion: "1.0.0", ips: [{ address: "10.1.0.7/24" }] };
const needed = { vrfname: "blue" };

const parse = (type: string, more: object = {}, args?: string) =>
  parseRequest(
    { ...addEnv, ...(args && { CNI_ARGS: args }) },
    bytes({ cniVersion: "1.0.0", name: "podnet", type, ...needed, prevResult, ...more }),
  ).config;

describe("CNI_ARGS with an unknown key", () => {
  for (const type of ["loopback", "portmap", "firewall", "bandwidth", "sbr", "vrf"]) {
    it(`is ignored by ${type}`, () => assert.equal(parse(type, {}, "FOO=bar").type, type));
  }
  for (const type of ["tuning", "bridge", "ptp", "ns-net", "macvlan", "host-local"]) {
    const ipam = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] };
    it(`is refused by ${type}`, () => refuses(() => parse(type, { ipam }, "FOO=bar"), 4, "FOO"));
    it(`is accepted by ${type} with IgnoreUnknown`, () =>
      assert.equal(parse(type, { ipam }, "FOO=bar;IgnoreUnknown=1").type, type));
  }
});

describe("Keys of other plugins", () => {
  const theirs = {
    ...{ bridge: 5, vlan: "x", mtu: "auto", ipam: "none", dns: [], args: 7, isGateway: "yes", subnet: {}, routes: 1 },
    ...{ master: 1, mode: [], owner: "root", device: 0, capabilities: [] },
  };

  for (const [type, own] of [
    ["loopback", []],
    ["portmap", ["snat", "masqAll", "conditionsV4"]],
    ["bandwidth", ["ingressRate", "egressBurst"]],
    ["firewall", ["ingressPolicy", "iptablesAdminChainName"]],
    ["tuning", ["sysctl", "promisc", "txQLen", "mtu", "args"]],
    ["sbr", ["table", "gateways", "addSourceHints"]],
    ["vrf", ["table", "vrfname"]],
  ] as const) {
    it(`may have any value for ${type}, which checks its own`, () => {
      const odd = ["snat", "ingressRate", "ingressPolicy", "sysctl", "mac", "table", "gateways", "vrfname"];
      const others = Object.fromEntries(
        [...odd, ...Object.keys(theirs)].map((key) => [key, theirs[key as never] ?? -1]),
      );
      for (const key of own) delete others[key];
      if (type === "tuning") delete others.mac;
      assert.equal(parse(type, others).type, type);
      for (const key of own) refuses(() => parse(type, { ...others, [key]: -1 }), 7, key);
    });
  }

  it("are distinguished from a type's own in any spelling", () => {
    assert.deepEqual(parse("tuning", { SysCtl: { "net.core.somaxconn": "5" }, MTU: 1400 }).features?.sysctl, {
      "net/core/somaxconn": "5",
    });
    refuses(() => parse("portmap", { Snat: 5 }), 7, "snat");
  });
});

describe("The backend of portmap and firewall:", () => {
  for (const [type, backend] of [
    ["portmap", "iptables"],
    ["portmap", "nftables"],
    ["portmap", ""],
    ["firewall", "iptables"],
    ["firewall", ""],
    ["tuning", "x"],
  ] as const) {
    it(`${type} takes backend ${JSON.stringify(backend)}`, () => assert.equal(parse(type, { backend }).type, type));
  }

  for (const [type, backend, words] of [
    ["portmap", "ipvs", '"iptables" or "nftables"'],
    ["portmap", "firewalld", '"iptables" or "nftables"'],
    ["firewall", "nftables", '"iptables" or "firewalld"'],
  ] as const) {
    it(`${type} refuses backend ${backend}`, () => refuses(() => parse(type, { backend }), 7, words));
  }

  it("firewalld is requested by name; by default it is used if it runs; type ns-net uses it if a zone is named", () => {
    const asked = (type: string, keys: object) => {
      const { backend, zone } = parse(type, keys).features ?? {};
      return [backend, zone];
    };
    assert.deepEqual(asked("firewall", {}), [undefined, "trusted"]);
    assert.deepEqual(asked("firewall", { backend: "firewalld" }), ["firewalld", "trusted"]);
    assert.deepEqual(asked("firewall", { firewalldZone: "public" }), [undefined, "public"]);
    assert.deepEqual(asked("firewall", { firewalldZone: "public", backend: "iptables" }), ["iptables", "public"]);
    assert.deepEqual(asked("ns-net", { firewalldZone: "public" }), ["firewalld", "public"]);
    assert.deepEqual(asked("ns-net", { backend: "nftables" }), [undefined, "trusted"]);
  });

  it("a mark is set by a bit or by another program's chain, not by both", () => {
    refuses(() => parse("portmap", { markMasqBit: 5, externalSetMarkChain: "X" }), 7, "externalSetMarkChain");
    assert.equal(parse("portmap", { externalSetMarkChain: "X" }).type, "portmap");
    assert.equal(parse("portmap", { markMasqBit: 5 }).type, "portmap");
  });
});

describe("dataDir of tuning", () => {
  const stores = (type: string, dataDir: string) => [
    parse(type, { dataDir }).dataDir,
    parseDelete({ ...addEnv, CNI_COMMAND: "DEL" }, bytes({ name: "podnet", type, dataDir })).dataDir,
  ];

  for (const [type, dataDir, store] of [
    ["tuning", "/run/cni/tuning", "/var/lib/ns-net"],
    ["tuning", "/var/run/cni", "/var/lib/ns-net"],
    ["tuning", "/run/cnix", "/run/cnix"],
    ["tuning", "/srv/ns-net", "/srv/ns-net"],
    ["portmap", "/run/cni/store", "/run/cni/store"],
    ["bridge", "/run/cni/store", "/run/cni/store"],
  ] as const) {
    it(`${type} with ${dataDir} keeps its store in ${store}`, () =>
      assert.deepEqual(stores(type, dataDir), [store, store]));
  }
});
