import assert from "node:assert/strict";
import fc from "fast-check";
import { Fault } from "../../../conf/fault.ts";
import { formatFault, formatResult } from "../../../conf/result/format.ts";
import { readResult } from "../../../conf/result/read.ts";
import type { Result } from "../../../conf/result/result.ts";
import { isAtLeast, type Version, versions } from "../../../conf/version.ts";
import { formatAddress, formatCidr } from "../../../ip/address.ts";
import { onlySet } from "../../support/onlySet.ts";
import { refuses } from "../refuses.ts";

/** The example of SPEC.md 1.1.0, section "Example", with a second family and the keys of version 1.1.0. */
const full: Result = {
  interfaces: [
    { name: "cni0", mac: "00:11:22:33:44:55" },
    { name: "veth3243", mac: "55:44:33:22:11:11", mtu: 1450 },
    { name: "eth0", mac: "99:88:77:66:55:44", mtu: 1450, sandbox: "/var/run/netns/blue" },
  ],
  ips: [
    { address: "10.1.0.5/16", gateway: "10.1.0.1", interface: 2 },
    { address: "10.2.0.5/16", interface: 0 },
    { address: "2001:db8::5/64", gateway: "2001:db8::1" },
  ],
  routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1", mtu: 1400, table: 0 }, { dst: "::/0" }],
  dns: { nameservers: ["10.1.0.1"] },
};

const format = (result: Result, version: Version) => onlySet(formatResult(result, version));
const read = (json: unknown, version: Version) => onlySet(readResult(json, version));

const oldShape = {
  ip4: { ip: "10.1.0.5/16", gateway: "10.1.0.1", routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1" }] },
  ip6: { ip: "2001:db8::5/64", gateway: "2001:db8::1", routes: [{ dst: "::/0" }] },
  dns: { nameservers: ["10.1.0.1"] },
};

const withoutMtu = full.interfaces.map(({ mtu, ...rest }) => rest);

const withVersion = [
  { version: "4", address: "10.1.0.5/16", gateway: "10.1.0.1", interface: 2 },
  { version: "4", address: "10.2.0.5/16", interface: 0 },
  { version: "6", address: "2001:db8::5/64", gateway: "2001:db8::1" },
];

describe("formatResult()", () => {
  for (const [version, expected] of [
    ["0.1.0", oldShape],
    ["0.2.0", oldShape],
    ["0.3.0", { ...full, interfaces: withoutMtu, ips: withVersion }],
    ["0.3.1", { ...full, interfaces: withoutMtu, ips: withVersion }],
    ["0.4.0", { ...full, interfaces: withoutMtu, ips: withVersion }],
    ["1.0.0", { ...full, interfaces: withoutMtu }],
    ["1.1.0", full],
  ] as const) {
    it(`writes ${version}`, () => assert.deepEqual(format(full, version), { cniVersion: version, ...expected }));
  }

  const empty: Result = { interfaces: [], ips: [], routes: [], dns: { search: [] } };
  it("leaves out what is empty", () => assert.deepEqual(format(empty, "0.3.0"), { cniVersion: "0.3.0" }));
  it("refuses a result without addresses before 0.3.0", () => refuses(() => formatResult(empty, "0.2.0"), 1, "0.2.0"));
});

const family = fc.constantFrom<4 | 6>(4, 6);
const value = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n });
const address = fc.record({ family, value }).map(formatAddress);
const cidr = fc.record({ family, value, prefixLength: fc.integer({ min: 0, max: 32 }) }).map(formatCidr);
const text = fc.string({ minLength: 1 });
const count = fc.integer({ min: 1, max: 65535 });

const anyResult = fc.record(
  {
    interfaces: fc.array(
      fc.record(
        { name: fc.string(), mac: text, mtu: count, sandbox: text, socketPath: text, pciID: text },
        { requiredKeys: ["name"], noNullPrototype: true },
      ),
    ),
    ips: fc.array(
      fc.record(
        { address: cidr, gateway: address, interface: fc.nat() },
        { requiredKeys: ["address"], noNullPrototype: true },
      ),
    ),
    routes: fc.array(
      fc.record(
        { dst: cidr, gw: address, mtu: count, advmss: count, priority: count, table: fc.nat(), scope: fc.nat(255) },
        { requiredKeys: ["dst"], noNullPrototype: true },
      ),
    ),
  },
  { noNullPrototype: true },
) as fc.Arbitrary<Result>;

describe("readResult()", () => {
  it("reads what formatResult() wrote in 1.1.0", () => {
    fc.assert(
      fc.property(anyResult, (result) => assert.deepEqual(read(formatResult(result, "1.1.0"), "0.1.0"), result)),
    );
  });

  for (const version of versions.filter((each) => isAtLeast(each, "0.3.0"))) {
    it(`reads what formatResult() wrote in ${version}, but for keys of 1.1.0`, () => {
      fc.assert(
        fc.property(anyResult, (result) => {
          const interfaces = result.interfaces.map(({ name, mac, sandbox }) => ({
            name,
            ...(mac && { mac }),
            ...(sandbox && { sandbox }),
          }));
          const expected = version === "1.1.0" ? result : { ...result, interfaces };
          assert.deepEqual(read(formatResult(result, version), "0.1.0"), expected);
        }),
      );
    });
  }

  for (const version of ["0.1.0", "0.2.0"] as const) {
    it(`reads what formatResult() wrote in ${version}`, () => {
      assert.deepEqual(read(formatResult(full, version), "1.0.0"), {
        interfaces: [],
        ips: [
          { address: "10.1.0.5/16", gateway: "10.1.0.1" },
          { address: "2001:db8::5/64", gateway: "2001:db8::1" },
        ],
        routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1" }, { dst: "::/0" }],
        dns: { nameservers: ["10.1.0.1"] },
      });
    });
  }

  it("takes the configuration's version when the result has none", () => {
    assert.deepEqual(read({ ip4: { ip: "10.1.0.5/16" } }, "0.2.0").ips, [{ address: "10.1.0.5/16" }]);
  });

  it("keeps interface 0, reads -1 as none, and null and {} as nothing", () => {
    const ips = [
      { address: "10.1.0.5/16", interface: 0 },
      { address: "10.1.0.6/16", interface: -1, gateway: "" },
    ];
    assert.deepEqual(read({ cniVersion: "1.0.0", ips, routes: null, interfaces: null, dns: {} }, "1.0.0"), {
      interfaces: [],
      ips: [{ address: "10.1.0.5/16", interface: 0 }, { address: "10.1.0.6/16" }],
      routes: [],
    });
  });

  it("takes keys in other cases", () => {
    assert.deepEqual(read({ CNIVersion: "0.4.0", IPs: [{ Address: "10.1.0.5/16" }] }, "1.0.0").ips, [
      { address: "10.1.0.5/16" },
    ]);
  });

  for (const [given, ...words] of [
    [null, "prevResult = null"],
    [[], "prevResult = []"],
    [{ ips: {} }, "prevResult.ips"],
    [{ ips: [{}] }, "prevResult.ips[0].address"],
    [{ ips: [{ address: "10.1.0.5" }] }, "prevResult.ips[0].address"],
    [{ ips: [{ address: "10.1.0.5/16", gateway: "x" }] }, "prevResult.ips[0].gateway"],
    [{ ips: [{ address: "10.1.0.5/16", interface: "0" }] }, "prevResult.ips[0].interface"],
    [{ routes: [{ dst: "x" }] }, "prevResult.routes[0].dst"],
    [{ interfaces: [{ mac: "x" }] }, "prevResult.interfaces[0].name"],
    [{ cniVersion: "0.2.0", ip4: { ip: "10.1.0.5" } }, "prevResult.ip4.ip"],
  ] as const) {
    it(`refuses ${JSON.stringify(given)}`, () => refuses(() => readResult(given, "1.0.0"), 7, ...words));
  }

  it("refuses an unknown version", () =>
    refuses(() => readResult({ cniVersion: "3.0.0" }, "1.0.0", "result"), 1, "result.cniVersion"));

  it("throws nothing but Faults", () => {
    const anyKey = fc.constantFrom("cniVersion", "ips", "interfaces", "routes", "dns", "ip4", "ip6");
    fc.assert(
      fc.property(fc.dictionary(anyKey, fc.jsonValue()), fc.constantFrom(...versions), (given, version) => {
        try {
          readResult(given, version);
        } catch (error) {
          assert.ok(error instanceof Fault, String(error));
        }
      }),
    );
  });
});

describe("formatFault()", () => {
  it("writes the specification's keys", () => {
    assert.deepEqual(formatFault(new Fault(7, "Cannot use mtu = 42", "mtu must be at least 68"), "1.0.0"), {
      cniVersion: "1.0.0",
      code: 7,
      msg: "Cannot use mtu = 42",
      details: "mtu must be at least 68",
    });
  });

  it("leaves out details without a cure", () => {
    assert.deepEqual(onlySet(formatFault(new Fault(999, "x"), "1.0.0")), { cniVersion: "1.0.0", code: 999, msg: "x" });
  });
});
