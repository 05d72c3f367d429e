import assert from "node:assert/strict";
import fc from "fast-check";
import type { NetworkConfig } from "../../conf/config/config.ts";
import { Fault } from "../../conf/fault.ts";
import { parseNetwork, parseRequest, parseStatus } from "../../conf/parse.ts";
import { onlySet } from "../support/onlySet.ts";
import { addEnv, bytes, refuses } from "./refuses.ts";

const least = { cniVersion: "1.0.0", name: "podnet", type: "ns-net" };
const parse = (more: object): NetworkConfig => onlySet(parseNetwork({ ...least, ...more }));

describe("parseRequest()", () => {
  it("adds the defaults", () => {
    const request = parseRequest(addEnv, bytes(least));
    assert.deepEqual(onlySet(request), {
      attachment: { network: "podnet", container: "web", ifname: "eth0" },
      netns: "/run/netns/web",
      mayBeOwnNetns: false,
      pluginPath: ["/opt/cni/bin", "/usr/lib/cni"],
      labels: {},
      raw: { environment: addEnv, stdin: JSON.stringify(least) },
      config: {
        ...least,
        bridge: "cni0",
        isGateway: false,
        isDefaultGateway: false,
        forceAddress: false,
        ipMasq: false,
        ip6Masq: false,
        hairpinMode: true,
        promiscMode: false,
        portIsolation: false,
        macspoofchk: false,
        enabledad: false,
        disableContainerInterface: false,
        vlanTrunk: [],
        preserveDefaultVlan: false,
        dataDir: "/var/lib/ns-net",
        ipam: { type: "ns-net", rangeSets: [], routes: [] },
        requestedAddresses: [],
      },
    });
  });

  it("takes the keys that containerd capitalises, and its CNI_ARGS", () => {
    const runtimeConfig = {
      portMappings: [{ HostPort: 8080, ContainerPort: 80, Protocol: "tcp", HostIP: "" }],
      bandwidth: { IngressRate: 1000, IngressBurst: 4294967295, EgressRate: 0, EgressBurst: 0 },
      dns: { Servers: ["10.0.0.1"], Searches: [], Options: null },
      "io.kubernetes.cri.pod-annotations": { a: "b" },
    };
    const env = { ...addEnv, CNI_ARGS: "K8S_POD_NAME=web;IgnoreUnknown=1;X=2", CNI_NETNS_OVERRIDE: "true" };
    const request = parseRequest(env, bytes({ ...least, capabilities: { portMappings: true }, runtimeConfig }));
    assert.equal(request.labels.podName, "web");
    assert.equal(request.mayBeOwnNetns, true);
  });

  it("uses the name it was called by as the type of a configuration without one", () => {
    assert.equal(
      parseRequest(addEnv, bytes({ cniVersion: "0.3.1", name: "cni-loopback" }), "loopback").config.type,
      "loopback",
    );
  });

  it("refuses CHECK before 0.4.0", () => {
    refuses(
      () => parseRequest({ ...addEnv, CNI_COMMAND: "CHECK" }, bytes({ ...least, cniVersion: "0.3.1" })),
      1,
      "CHECK",
    );
  });

  it("refuses STATUS before 1.1.0", () =>
    refuses(() => parseStatus({ CNI_COMMAND: "STATUS" }, bytes(least)), 1, "STATUS"));
  it("refuses an unknown version", () => refuses(() => parse({ cniVersion: "2.0.0" }), 1, "2.0.0", "1.1.0"));
  it("treats a missing version as the oldest", () =>
    assert.equal(parseNetwork({ name: "a", type: "b" }).cniVersion, "0.1.0"));
});

describe("parseNetwork() accepts", () => {
  for (const [what, given, expected] of [
    [
      "other cases of a key",
      { CNIVersion: "0.4.0", cniVersion: undefined, IsGateway: true, MTU: 1400 },
      { isGateway: true, mtu: 1400 },
    ],
    ["an exact key before another case of it", { MTU: 1300, mtu: 1400 }, { mtu: 1400 }],
    [
      "null for left out",
      { mtu: null, dns: null, ipam: null, prevResult: null, args: null },
      { ipam: { type: "ns-net", rangeSets: [], routes: [] } },
    ],
    ["0 for left out", { mtu: 0, vlan: 0 }, {}],
    ["isDefaultGateway, which implies isGateway", { isDefaultGateway: true }, { isGateway: true }],
    ["promiscMode, which turns hairpinMode off", { promiscMode: true }, { hairpinMode: false, promiscMode: true }],
    ["promiscMode with hairpinMode false", { promiscMode: true, hairpinMode: false }, { hairpinMode: false }],
    ["the smallest MTU of IPv4", { mtu: 68, subnet: "10.1.0.0/24" }, { mtu: 68 }],
    ["the smallest MTU of IPv6", { mtu: 1280, subnet: "2001:db8::/64" }, { mtu: 1280 }],
    ["ipam of {} for ptp", { type: "ptp", ipam: {} }, { ipam: { type: "none" } }],
    [
      "a key that is not served, off",
      { type: "host-device", device: "e", useInterfaceNetwork: false },
      { mtu: undefined },
    ],
    ["IPv4 without IPv6 masqueraded", { ipMasq: true, ip6Masq: false }, { ipMasq: true, ip6Masq: false }],
    ["both masqueraded", { ipMasq: true }, { ipMasq: true, ip6Masq: true }],
    [
      "a gateway that the bridge has",
      { isGateway: true, subnet: "10.1.0.0/24", gateway: "10.1.0.9" },
      { ip6Masq: false },
    ],
    [
      "a gateway on a bridge that does not have it, by which a route goes",
      { subnet: "10.1.0.0/24", gateway: "10.1.0.9", routes: [{ dst: "0.0.0.0/0" }] },
      { isGateway: false },
    ],
    [
      "a gateway that type bridge only reports, as the reference does",
      { type: "bridge", ipam: { type: "host-local", subnet: "10.1.0.0/24", gateway: "10.1.0.9" } },
      { isGateway: false },
    ],
    ["ipam of {}", { ipam: {} }, { ipam: { type: "none" } }],
    ["ipam of type ''", { ipam: { type: "" } }, { ipam: { type: "none" } }],
    ["no ipam for another type", { type: "bridge" }, { ipam: { type: "none" } }],
    [
      "another IPAM plugin",
      { ipam: { type: "dhcp", provide: [], subnet: 5 } },
      { ipam: { type: "delegate", plugin: "dhcp" } },
    ],
    [
      "a trunk",
      { vlanTrunk: [{ id: 5 }, { minID: 10, maxID: 20 }] },
      {
        vlanTrunk: [
          { minID: 5, maxID: 5 },
          { minID: 10, maxID: 20 },
        ],
      },
    ],
    [
      "disableContainerInterface without addresses",
      { disableContainerInterface: true, ipam: {} },
      { disableContainerInterface: true },
    ],
    ["dns", { dns: { nameservers: ["10.0.0.1"], search: [] } }, { dns: { nameservers: ["10.0.0.1"] } }],
    [
      "keys of others",
      {
        "cni.dev/x": 1,
        "example.com/mtuu": 1,
        $schema: "x",
        snat: true,
        gateways: [],
        colour: 1,
        capabilities: { mac: true },
      },
      {},
    ],
    [
      "a prevResult",
      { prevResult: { ips: [{ address: "10.1.0.7/24", interface: -1 }] } },
      { prevResult: { interfaces: [], ips: [{ address: "10.1.0.7/24" }], routes: [] } },
    ],
  ] as const) {
    it(what, () => {
      const config = parse(given) as unknown as Record<string, unknown>;
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(config[key], value, key);
    });
  }

  it("a key named __proto__, as any other unknown one", () => {
    const config = parseNetwork(JSON.parse(`{"name":"a","type":"ns-net","__proto__":{"mtu":1}}`));
    assert.equal(config.mtu, undefined);
  });
});

const storeIpam = { type: "host-local", subnet: "10.1.0.0/24" };

describe("parseNetwork() refuses", () => {
  for (const [given, faultCode, ...words] of [
    [{ name: undefined }, 7, "name", "missing"],
    [{ name: "" }, 7, "name"],
    [{ name: "a/b" }, 7, "a/b"],
    [{ name: "a".repeat(256) }, 7, "255"],
    [{ name: 5 }, 7, "name = 5"],
    [{ isGateway: "true" }, 7, 'isGateway = "true"', "true or false, without quotation marks"],
    [{ mtu: "1500" }, 7, 'mtu = "1500"', "without quotation marks"],
    [{ mtu: 1500.5 }, 7, "mtu = 1500.5"],
    [{ mtu: 67 }, 7, "mtu = 67", "68"],
    [{ mtu: 65536 }, 7, "mtu = 65536"],
    [{ mtu: 1279, subnet: "2001:db8::/64" }, 7, "1280", "IPv6"],
    [{ mtu: 1279, ipam: { type: "static", addresses: [{ address: "2001:db8::7/64" }] } }, 7, "1280"],
    [{ promiscMode: true, hairpinMode: true }, 7, "hairpinMode", "promiscMode"],
    [{ disableContainerInterface: true }, 7, "disableContainerInterface", "ipam"],
    [{ type: "ptp" }, 7, "key ipam is missing", "given"],
    ...["dummy", "host-local", "static"].flatMap((type) => [
      [{ type }, 7, "key ipam is missing", "given"] as const,
      [{ type, ipam: {} }, 7, "key ipam is missing", "given"] as const,
    ]),
    [{ type: "host-device", device: "eth1", useInterfaceNetwork: true }, 2, "useInterfaceNetwork = true", "static"],
    ...["ns-net", "bridge", "ptp", "macvlan"].map(
      (type) =>
        [
          { type, ipam: { ...storeIpam, routes: [{ dst: "0.0.0.0/0", gws: ["10.1.0.1", "10.1.0.9"] }] } },
          2,
          'ipam.routes[0].gws = ["10.1.0.1","10.1.0.9"]',
          "gw",
        ] as const,
    ),
    [{ vlan: 4095 }, 7, "vlan = 4095", "4094"],
    [{ vlanTrunk: [{ id: 0 }] }, 7, "vlanTrunk[0].id = 0"],
    [{ vlanTrunk: [{ minID: 5 }] }, 7, "vlanTrunk[0].maxID"],
    [{ vlanTrunk: [{ minID: 5, maxID: 4 }] }, 7, "vlanTrunk[0].maxID = 4"],
    [{ vlanTrunk: [{}] }, 7, "vlanTrunk[0] = {}"],
    [{ vlanTrunk: {} }, 7, "vlanTrunk = {}", "list"],
    [{ bridge: "" }, 7, "bridge"],
    [{ bridge: ".." }, 7, "bridge"],
    [{ bridge: "abcdefghijklmnop" }, 7, "15 bytes"],
    [{ bridge: "a\0b" }, 7, "bridge"],
    [{ dataDir: "var/lib" }, 7, "dataDir", "absolute"],
    [{ ipMasqBackend: "firewalld" }, 7, "ipMasqBackend", '"iptables" or "nftables"'],
    [{ dns: { nameservers: "10.0.0.1" } }, 7, "dns.nameservers"],
    [{ ipam: 5 }, 7, "ipam = 5"],
    [{ ipam: { type: 5 } }, 7, "ipam.type = 5"],
    [{ ipam: { type: "../dhcp" } }, 7, "ipam.type", "plugin"],
    [{ ipam: { type: "a/b" } }, 7, "ipam.type"],
    [{ ipam: { subnet: "10.1.0.0/24" } }, 7, "ipam.type"],
    [{ ipam: { type: "host-local", subnet: "10.1.0.0/24" }, subnet: "10.1.0.0/24" }, 7, "subnet", "inside ipam"],
    [{ prevResult: 5 }, 7, "prevResult = 5"],
    [{ prevResult: { ips: [{ address: "10.1.0.7" }] } }, 7, "prevResult.ips[0].address"],
    [{ prevResult: { cniVersion: "9" } }, 1, "prevResult.cniVersion"],
    [{ isGatway: true }, 2, "isGatway = true", "did you mean isGateway?"],
    [{ isgatway: true }, 2, "did you mean isGateway?"],
    [{ mtuu: 1500 }, 2, "did you mean mtu?"],
    [{ subnte: "10.1.0.0/24" }, 2, "did you mean subnet?"],
    [{ hairpinModus: true }, 2, "hairpinMode"],
    [{ ipam: { type: "host-local", ragnes: [] } }, 2, "ipam.ragnes", "ranges"],
    [{ ranges: [[{ subnet: "10.1.0.0/24", rangeStrat: "10.1.0.7" }]] }, 2, "ranges[0][0].rangeStrat", "rangeStart"],
    [{ runtimeConfig: { mac: "01:00:00:00:00:01" } }, 7, "runtimeConfig.mac", "unicast"],
    [{ args: { cni: { mac: "00:00:00:00:00:00" } } }, 7, "args.cni.mac"],
    [{ runtimeConfig: { ips: ["10.1.0"] } }, 7, "runtimeConfig.ips[0]"],
    [{ args: { cni: { ips: "10.1.0.7" } } }, 7, "args.cni.ips"],
  ] as const) {
    it(JSON.stringify(given).slice(0, 100), () => refuses(() => parse(given), faultCode, ...words));
  }

  it("wrong types at every key, naming it", () => {
    for (const [key, wrong] of [
      ...["bridge", "dataDir", "subnet", "rangeStart", "rangeEnd", "gateway", "type"].map((key) => [key, 5] as const),
      ...["isGateway", "isDefaultGateway", "forceAddress", "ipMasq", "hairpinMode", "promiscMode"].map(
        (key) => [key, 1] as const,
      ),
      ...["portIsolation", "macspoofchk", "enabledad", "preserveDefaultVlan"].map((key) => [key, "false"] as const),
      ...["mtu", "vlan"].map((key) => [key, true] as const),
      ...["ranges", "routes", "vlanTrunk"].map((key) => [key, {}] as const),
      ...["ipam", "dns", "runtimeConfig", "args", "prevResult"].map((key) => [key, []] as const),
    ]) {
      refuses(() => parse({ [key]: wrong }), 7, `Cannot use ${key} = ${JSON.stringify(wrong)}`);
    }
  });
});

describe("parseNetwork() on anything", () => {
  const anyKey = fc.constantFrom(
    "ipam",
    "subnet",
    "ranges",
    "mtu",
    "bridge",
    "routes",
    "runtimeConfig",
    "args",
    "prevResult",
    "vlanTrunk",
    "dns",
    "type",
    "isGatway",
  );
  const anyText = fc.constantFrom("10.1.0.0/24", "10.1.0.7", "host-local", "static", "::/64", "", "\0", "cni0");
  const anyValue = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, -1, 0, 1.5, 1e300),
      anyText,
      tie("list"),
      tie("object"),
    ),
    list: fc.array(tie("value"), { maxLength: 3 }),
    object: fc.dictionary(
      fc.constantFrom(
        "type",
        "subnet",
        "ranges",
        "routes",
        "dst",
        "gw",
        "rangeStart",
        "ips",
        "cni",
        "mac",
        "address",
        "addresses",
        "ipRanges",
        "interfaces",
        "name",
        "ip4",
        "ip",
        "id",
        "__proto__",
      ),
      tie("value"),
      { maxKeys: 4 },
    ),
  })).value;

  it("throws nothing but Faults", () => {
    fc.assert(
      fc.property(fc.dictionary(anyKey, anyValue), fc.constantFrom("0.2.0", "1.1.0"), (given, cniVersion) => {
        try {
          parseNetwork({ type: "ns-net", ...given, name: "podnet", cniVersion });
        } catch (error) {
          assert.ok(error instanceof Fault, String(error));
        }
      }),
      { numRuns: 3000 },
    );
  });
});
