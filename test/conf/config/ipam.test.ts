import assert from "node:assert/strict";
import { readArgs } from "../../../conf/args.ts";
import type { IpamConfig } from "../../../conf/config/config.ts";
import { parseNetwork } from "../../../conf/parse.ts";
import { onlySet } from "../../support/onlySet.ts";
import { refuses } from "../refuses.ts";

const least = { cniVersion: "1.0.0", name: "podnet", type: "ns-net" };
const parse = (more: object, cniArgs = "") => onlySet(parseNetwork({ ...least, ...more }, "ns-net", readArgs(cniArgs)));
const rangeSets = (ipam: IpamConfig) => ("rangeSets" in ipam ? ipam.rangeSets : undefined);
const hostLocal = (more: object) => ({ ipam: { type: "host-local", ...more } });

describe("ranges", () => {
  it("come from runtimeConfig.ipRanges, then the flat keys, then ranges", () => {
    const { ipam } = parse({
      ipam: {
        type: "host-local",
        subnet: "10.1.0.0/24",
        rangeStart: "10.1.0.9",
        gateway: "",
        ranges: [[{ subnet: "10.2.0.0/24" }]],
        dataDir: "/x",
        resolvConf: "/y",
      },
      runtimeConfig: { ipRanges: [[{ Subnet: "10.3.0.0/24" }, { subnet: "10.4.0.0/24", gateway: "10.4.0.2" }]] },
    });
    assert.deepEqual(ipam, {
      type: "host-local",
      rangeSets: [
        [{ subnet: "10.3.0.0/24" }, { subnet: "10.4.0.0/24", gateway: "10.4.0.2" }],
        [{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.9" }],
        [{ subnet: "10.2.0.0/24" }],
      ],
      routes: [],
      resolvConf: "/y",
      hostLocalDir: "/x",
    });
  });

  it("may be at the top of a network of type ns-net", () => {
    const { ipam } = parse({
      subnet: "2001:DB8:0::/64",
      rangeend: "2001:db8::ff",
      routes: [{ dst: "::/0", gw: "", mtu: 1400, table: 0 }],
    });
    assert.deepEqual(ipam, {
      type: "ns-net",
      rangeSets: [[{ subnet: "2001:db8::/64", rangeEnd: "2001:db8::ff" }]],
      routes: [{ dst: "::/0", mtu: 1400, table: 0 }],
    });
  });

  for (const ranges of [
    [[{ subnet: "10.1.0.0/30" }]],
    [[{ subnet: "2001:db8::/126" }]],
    [
      [
        { subnet: "10.1.0.0/24", rangeEnd: "10.1.0.99" },
        { subnet: "10.1.0.0/24", rangeStart: "10.1.0.100" },
      ],
    ],
    [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.9", rangeEnd: "10.1.0.9" }]],
  ]) {
    it(`may be ${JSON.stringify(ranges)}`, () =>
      assert.deepEqual(rangeSets(parse(hostLocal({ ranges })).ipam), ranges));
  }

  for (const [given, ...words] of [
    [{}, "ipam.ranges", "ipam.subnet"],
    [{ ranges: [] }, "ipam.ranges", "ipam.subnet"],
    [{ ranges: [[]] }, "ipam.ranges[0]"],
    [{ ranges: [{ subnet: "10.1.0.0/24" }] }, "ipam.ranges[0]", "list"],
    [{ ranges: [[{}]] }, "ipam.ranges[0][0].subnet"],
    [{ ranges: [[{ subnet: 5 }]] }, "ipam.ranges[0][0].subnet = 5"],
    [{ subnet: "10.1.0.0" }, "ipam.subnet", "10.1.0.0/24"],
    [{ subnet: "10.1.0.7/24" }, "ipam.subnet", "10.1.0.0/24", "host bits"],
    [{ subnet: "10.1.0.0/31" }, "ipam.subnet", "/30"],
    [{ subnet: "2001:db8::/127" }, "ipam.subnet", "/126"],
    [{ rangeStart: "10.1.0.7" }, "ipam.subnet"],
    [{ subnet: "10.1.0.0/24", rangeStart: "10.2.0.7" }, "ipam.rangeStart", "10.1.0.0/24"],
    [{ subnet: "10.1.0.0/24", rangeEnd: "10.2.0.7" }, "ipam.rangeEnd"],
    [{ subnet: "10.1.0.0/24", gateway: "10.2.0.1" }, "ipam.gateway"],
    [{ subnet: "10.1.0.0/24", gateway: "2001:db8::1" }, "ipam.gateway"],
    [{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.9", rangeEnd: "10.1.0.8" }, "ipam.rangeEnd", "10.1.0.9"],
    [{ ranges: [[{ subnet: "10.1.0.0/24" }, { subnet: "2001:db8::/64" }]] }, "ipam.ranges[0][1].subnet", "IPv4"],
    [{ ranges: [[{ subnet: "10.1.0.0/24" }, { subnet: "10.1.0.0/25" }]] }, "ipam.ranges[0][1]", "ipam.ranges[0][0]"],
    [
      { ranges: [[{ subnet: "10.1.0.128/25" }], [{ subnet: "10.1.0.0/24" }]] },
      "ipam.ranges[1][0]",
      "ipam.ranges[0][0]",
    ],
    [{ subnet: "10.0.0.0/8", ranges: [[{ subnet: "10.9.0.0/24" }]] }, "ipam.ranges[0][0]", "10.0.0.0/8"],
    [{ subnet: "10.1.0.0/24", routes: [{ gw: "10.1.0.1" }] }, "ipam.routes[0].dst"],
    [{ subnet: "10.1.0.0/24", routes: [{ dst: "10.2.0.1/16" }] }, "ipam.routes[0].dst", "10.2.0.0/16"],
    [{ subnet: "10.1.0.0/24", routes: [{ dst: "0.0.0.0/0", gw: "::1" }] }, "ipam.routes[0].gw", "IPv4"],
  ] as const) {
    it(`may not be ${JSON.stringify(given)}`, () => refuses(() => parse(hostLocal(given)), 7, ...words));
  }

  it("may be only one of a family in results before 0.3.0", () => {
    const two = hostLocal({ ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "10.2.0.0/24" }]] });
    refuses(() => parse({ ...two, cniVersion: "0.2.0" }), 7, "0.2.0");
    parse({ ...two, cniVersion: "0.3.0" });
  });

  it("are checked quickly in any number", () => {
    const ranges = Array.from({ length: 20_000 }, (_, i) => [{ subnet: `10.${i >> 8}.${i & 255}.0/24` }]);
    const began = process.cpuUsage(); // time of other processes is not counted
    parse(hostLocal({ ranges }));
    const { user, system } = process.cpuUsage(began);
    assert.ok(user + system < 1_000_000, `${user + system} µs`);
  });
});

describe("static", () => {
  const config = { type: "static", addresses: [{ address: "10.1.0.7/24", gateway: "10.1.0.1" }] };
  for (const [what, more, args, addresses] of [
    ["its own addresses", {}, "", config.addresses],
    [
      "CNI_ARGS beside its own",
      {},
      "IP=10.2.0.7/24,10.3.0.7/24;GATEWAY=10.2.0.1",
      [...config.addresses, { address: "10.2.0.7/24", gateway: "10.2.0.1" }, { address: "10.3.0.7/24" }],
    ],
    [
      "args.cni.ips instead",
      { args: { cni: { ips: ["10.4.0.7/24"] } } },
      "IP=10.2.0.7/24",
      [{ address: "10.4.0.7/24" }],
    ],
    [
      "runtimeConfig.ips before args.cni.ips",
      { args: { cni: { ips: ["x"] } }, runtimeConfig: { ips: ["10.5.0.7/24"] } },
      "",
      [{ address: "10.5.0.7/24" }],
    ],
  ] as const) {
    it(`gives ${what}`, () => {
      const { ipam, requestedAddresses } = parse({ ipam: config, ...more }, args);
      assert.deepEqual(ipam, { type: "static", addresses, routes: [] });
      assert.deepEqual(requestedAddresses, []);
    });
  }

  it("needs a prefix length, from every source of the address", () => {
    refuses(
      () => parse({ ipam: { type: "static", addresses: [{ address: "10.1.0.7" }] } }),
      7,
      "ipam.addresses[0].address",
    );
    refuses(() => parse({ ipam: config }, "IP=10.1.0.7"), 4, "IP in CNI_ARGS", "10.1.0.7");
    refuses(() => parse({ ipam: config, args: { cni: { ips: ["10.1.0.7"] } } }), 7, "args.cni.ips[0]");
    refuses(() => parse({ ipam: config, runtimeConfig: { ips: ["10.1.0.7"] } }), 7, "runtimeConfig.ips[0]");
  });

  it("refuses a gateway of the other family", () => {
    refuses(
      () => parse({ ipam: { type: "static", addresses: [{ address: "10.1.0.7/24", gateway: "::1" }] } }),
      7,
      "gateway",
    );
  });
});

describe("requests", () => {
  const from = (more: object, cniArgs: string) => parse({ ...hostLocal({ subnet: "10.1.0.0/16" }), ...more }, cniArgs);

  it("for addresses add up, each once", () => {
    const { requestedAddresses } = from(
      { runtimeConfig: { ips: ["10.1.0.7", "10.1.0.8/16"] } },
      "IP=10.1.0.9, 10.1.0.7",
    );
    assert.deepEqual(requestedAddresses, ["10.1.0.9", "10.1.0.7", "10.1.0.8/16"]);
  });

  it("for addresses in args.cni.ips disable CNI_ARGS", () => {
    assert.deepEqual(from({ args: { cni: { ips: ["10.1.0.8"] } } }, "IP=10.1.0.9").requestedAddresses, ["10.1.0.8"]);
  });

  it("for invalid addresses name CNI_ARGS", () => refuses(() => from({}, "IP=10.1.0"), 4, "10.1.0", "CNI_ARGS"));

  for (const [what, more, args, mac] of [
    [
      "runtimeConfig",
      { runtimeConfig: { mac: "c2:11:22:33:44:01" }, args: { cni: { mac: "c2:11:22:33:44:02" } } },
      "MAC=c2:11:22:33:44:03",
      "c2:11:22:33:44:01",
    ],
    ["args", { args: { cni: { mac: "C2-11-22-33-44-02" } } }, "MAC=c2:11:22:33:44:03", "c2:11:22:33:44:02"],
    ["CNI_ARGS", { runtimeConfig: { mac: "" } }, "MAC=c211.2233.4403", "c2:11:22:33:44:03"],
    ["nowhere", {}, "", undefined],
  ] as const) {
    it(`for a hardware address come from ${what}`, () => assert.equal(from(more, args).mac, mac));
  }

  for (const mac of [
    "c2:11:22:33:44",
    "c2:11:22:33:44:gg",
    "c2:11-22:33:44:55",
    "ff:ff:ff:ff:ff:ff",
    "00:00:00:00:00:00",
    "c2:11:22:33:44:55:66:77",
  ]) {
    it(`for ${mac} are refused`, () => refuses(() => from({}, `MAC=${mac}`), 4, mac, "unicast"));
  }
});
