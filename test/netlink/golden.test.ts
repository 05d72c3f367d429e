/** Compares our messages with those of `ip` and `nft` for the same thing: test/golden/, captured by strace. */

import assert from "node:assert/strict";
import type { Message } from "../../netlink/message.ts";
import { deleteChain, hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { masquerade } from "../../netlink/nft/expr/masquerade.ts";
import { jump } from "../../netlink/nft/expr/verdict.ts";
import { matchAddress, matchProtocolOf, type Prefix } from "../../netlink/nft/match.ts";
import { family } from "../../netlink/nft/message.ts";
import { deleteRule as deleteRuleByHandle, flushChain, newRule } from "../../netlink/nft/rule.ts";
import { deleteTable, newTable } from "../../netlink/nft/table.ts";
import { addAddress, deleteAddress } from "../../netlink/route/address.ts";
import { addPortVlans, deletePortVlans } from "../../netlink/route/bridgeVlan.ts";
import { bridge as bridgeData } from "../../netlink/route/kind/bridge.ts";
import { dummyKind } from "../../netlink/route/kind/dummy.ts";
import { ipvlan, ipvlanKind, ipvlanMode } from "../../netlink/route/kind/ipvlan.ts";
import { macvlan, macvlanKind, macvlanMode } from "../../netlink/route/kind/macvlan.ts";
import { veth } from "../../netlink/route/kind/veth.ts";
import { vlan, vlanKind } from "../../netlink/route/kind/vlan.ts";
import { vrf, vrfKind } from "../../netlink/route/kind/vrf.ts";
import { vxlan, vxlanKind } from "../../netlink/route/kind/vxlan.ts";
import {
  changeBridgePort,
  changeLink,
  createLink,
  deleteLink,
  deleteLinkGroup,
  linkFlag,
} from "../../netlink/route/link.ts";
import { addRoute, deleteRoute } from "../../netlink/route/route.ts";
import { addRule, deleteRule } from "../../netlink/route/rule.ts";
import { isBridged } from "../../step/nft/masqueradeRules.ts";
import { captured, type Shape, tree } from "./tree.ts";

const request = 0x1;
const acknowledge = 0x4;

const link: Shape = { skip: 16, 18: { 2: {}, 5: {} }, 26: { 10: {} } };
const vethLink: Shape = { skip: 16, 18: { 2: { 1: { skip: 16 } } } };
const portVlan: Shape = { skip: 16, 26: {} };
const address: Shape = { skip: 8 };
const route: Shape = { skip: 12, 8: {} };
const rule: Shape = { skip: 12 };
const nft: Shape = { skip: 4 };

/** The kernel accepts a text with and without NUL at its end, and a nest of rtnetlink with and without a mark. */
const withoutTextEnds = (json: string) => json.replaceAll(/"(1|3|4|20)":"((?:[2-7][0-9a-f])+)00"/g, '"$1":"$2"');
const withoutMarks = (json: string) => json.replaceAll(/"(\d+)!":/g, '"$1":');

/** Known differences. Our routes are static (4), those of `ip` of the boot (3). */
const withoutProtocol = (json: string) => json.replace(/("header":"[0-9a-f]{10})0[34]/, "$1--");
/** `ip` writes a destination for an IPv6 default route, which needs none. */
const withoutZeros = (json: string) => json.replace(`"1":"${"0".repeat(32)}",`, "");
/** nft leaves out the operation of a bitwise expression, because it is the default. */
const withoutOperation = (json: string) => json.replaceAll(/,"6":"00000000"/g, "");

function comparable({ payload }: { payload: Uint8Array }, shape: Shape): object {
  const json = JSON.stringify(tree(payload, shape));
  if (shape === nft) return JSON.parse(withoutOperation(json));
  const plain = withoutMarks(withoutTextEnds(json));
  return JSON.parse(shape === route ? withoutZeros(withoutProtocol(plain)) : plain);
}

/** The index of the link in the capture: `ip` found it by name. */
const indexIn = (payload: Uint8Array) => new DataView(payload.buffer, payload.byteOffset).getInt32(4, true);

const bytes = (text: string) => Uint8Array.from(text.split("."), Number);
const fd1 = (last: number) => Uint8Array.of(0xfd, 0, 0, 1, ...new Array(11).fill(0), last);
const table = { family: family.inet, name: "ns-net" };

function outside(subnet: Prefix, group: Prefix) {
  return [
    ...matchProtocolOf(subnet.address),
    ...matchAddress("source", subnet),
    ...matchAddress("destination", subnet, false),
    ...matchAddress("destination", group, false),
    masquerade,
  ];
}
const outside4 = outside({ address: bytes("10.1.0.0"), length: 16 }, { address: bytes("224.0.0.0"), length: 4 });
const outside6 = outside(
  { address: fd1(0), length: 64 },
  { address: Uint8Array.of(0xff, ...new Array(15).fill(0)), length: 8 },
);
const postrouting = { type: "nat", hook: hook.postrouting, priority: priority.sourceNat } as const;

const rows: [capture: string, shape: Shape, ours: (index: () => number) => Message][] = [
  [
    "bridge",
    link,
    () => createLink({ name: "br0", address: "0a:00:00:00:00:01", mtu: 1400, info: { kind: "bridge" } }),
  ],
  [
    "bridge-stp-off",
    link,
    () =>
      createLink({
        ...{ name: "br0", group: 77 },
        info: { kind: "bridge", data: bridgeData.put({ stpState: 0, forwardDelay: 0, multicastSnooping: 0 }) },
      }),
  ],
  [
    "bridge-vlan-filtering",
    link,
    () =>
      createLink({
        name: "br0",
        info: { kind: "bridge", data: bridgeData.put({ vlanFiltering: 1, defaultVlan: 0 }) },
      }),
  ],
  ["bridge-up", link, (index) => changeLink("", { index: index(), set: linkFlag.up })],
  ["bridge-promisc", link, (index) => changeLink("", { index: index(), set: linkFlag.promiscuous })],
  [
    "veth-in-bridge",
    vethLink,
    () =>
      createLink({
        name: "ve0",
        address: "0a:00:00:00:00:02",
        mtu: 1400,
        master: 2,
        group: 1234567,
        info: {
          kind: "veth",
          data: veth.put({ peer: { name: "eth0", address: "0a:00:00:00:00:03", mtu: 1400, netnsFd: 4 } }),
        },
      }),
  ],
  [
    "veth-up",
    vethLink,
    () =>
      createLink({
        ...{ name: "ve0", set: linkFlag.up },
        info: { kind: "veth", data: veth.put({ peer: { name: "eth0" } }) },
      }),
  ],
  [
    "bridge-vlan-filtering-on",
    link,
    (index) => changeLink("", { index: index(), info: { kind: "bridge", data: bridgeData.put({ vlanFiltering: 1 }) } }),
  ],
  ["port-vlan-native", portVlan, (index) => addPortVlans("", index(), [{ first: 100, isNative: true }])],
  ["port-vlan-range", portVlan, (index) => addPortVlans("", index(), [{ first: 200, last: 210 }])],
  ["port-vlan-delete", portVlan, (index) => deletePortVlans("", index(), [{ first: 1 }])],
  ["link-master", link, (index) => changeLink("", { index: index(), master: 2 })],
  ["link-mtu", link, (index) => changeLink("", { index: index(), mtu: 1300 })],
  ["link-address", link, (index) => changeLink("", { index: index(), address: "0a:00:00:00:00:04" })],
  ["link-rename", link, (index) => changeLink("", { index: index(), name: "renamed0" })],
  ["link-alias", link, (index) => changeLink("", { index: index(), alias: "web" })],
  ["link-netns", link, (index) => changeLink("", { index: index(), netnsFd: 4 })],
  ["link-delete", link, (index) => deleteLink({ index: index(), name: "v0" })],
  ["link-delete-group", link, () => deleteLinkGroup(77)],
  [
    "address-4",
    address,
    (index) => addAddress({ index: index(), address: bytes("10.1.0.2"), prefixLength: 16, text: "" }),
  ],
  [
    "address-delete",
    address,
    (index) => deleteAddress({ index: index(), address: bytes("10.1.0.2"), prefixLength: 24, text: "" }),
  ],
  [
    "route-default-4",
    route,
    () => addRoute({ text: "", destination: bytes("0.0.0.0"), dstLength: 0, outIndex: 3, gateway: bytes("10.1.0.1") }),
  ],
  [
    "route-default-6",
    route,
    () => addRoute({ text: "", destination: fd1(0), dstLength: 0, outIndex: 3, gateway: fd1(1) }),
  ],
  [
    "route-metrics",
    route,
    () =>
      addRoute({
        ...{ text: "", destination: bytes("192.168.7.0"), dstLength: 24, outIndex: 3, gateway: bytes("10.1.0.1") },
        ...{ mtu: 1300, advmss: 1260, priority: 50, table: 300 },
      }),
  ],
  [
    "macvlan",
    link,
    () =>
      createLink({
        ...{ name: "m0", peerIndex: 3 },
        info: { kind: macvlanKind, data: macvlan.put({ mode: macvlanMode.bridge }) },
      }),
  ],
  [
    "macvlan-in-netns",
    link,
    () =>
      createLink({
        ...{ name: "m0", peerIndex: 3, address: "0a:00:00:00:00:06", mtu: 1400, group: 1234567, netnsFd: 4 },
        info: { kind: macvlanKind, data: macvlan.put({ mode: macvlanMode.private, broadcastQueueLength: 500 }) },
      }),
  ],
  ["dummy", link, () => createLink({ name: "d0", address: "0a:00:00:00:00:07", info: { kind: dummyKind } })],
  ["vrf", link, () => createLink({ name: "blue", info: { kind: vrfKind, data: vrf.put({ table: 300 }) } })],
  [
    "vxlan",
    link,
    () =>
      createLink({
        name: "vx0",
        info: {
          kind: vxlanKind,
          data: vxlan.put({ id: 42, local: bytes("10.0.0.1"), learning: 0, port: 4789 }),
        },
      }),
  ],
  ["rule-4", rule, () => addRule({ text: "", source: bytes("10.1.0.2"), table: 100 })],
  ["rule-6", rule, () => addRule({ text: "", source: fd1(2), table: 300 })],
  ["rule-delete", rule, () => deleteRule({ text: "", source: bytes("10.1.0.2"), table: 100 })],
  [
    "route-source",
    route,
    () =>
      addRoute({
        ...{ text: "", destination: bytes("10.7.0.0"), dstLength: 24, outIndex: 3, table: 300 },
        preferredSource: bytes("10.1.0.2"),
      }),
  ],
  ["route-scope-link", route, () => addRoute({ text: "", destination: bytes("10.7.0.1"), dstLength: 32, outIndex: 3 })],
  ["nft-table", nft, () => newTable(table, "made by ns-net")],
  ["nft-table-delete", nft, () => deleteTable(table)],
  ["nft-chain-nat", nft, () => newChain(table, "postrouting", postrouting, "masquerade")],
  ["nft-chain-plain", nft, () => newChain(table, "net-1", undefined, "podnet")],
  ["nft-chain-flush", nft, () => flushChain(table, "postrouting")],
  ["nft-chain-delete", nft, () => deleteChain(table, "postrouting")],
  ["nft-rule-delete", nft, () => deleteRuleByHandle(table, "net-1", 2n)],
  ["nft-rule-jump", nft, () => newRule(table, "postrouting", [jump("net-1")])],
  ["nft-masquerade-4", nft, () => newRule(table, "postrouting", outside4, "podnet")],
  ["nft-bridged", nft, () => newRule(table, "postrouting", isBridged)],
  ["nft-masquerade-6", nft, () => newRule(table, "postrouting", outside6)],
];

describe("What we send is what other programs send:", () => {
  for (const [name, shape, make] of rows) {
    it(name, () => {
      const [theirs] = captured(name);
      const ours = make(() => indexIn(theirs!.payload));
      assert.equal(ours.type, theirs!.type);
      // nft adds a table without NLM_F_CREATE, which the kernel does not require there.
      const marks = request | acknowledge | (name === "nft-table" ? 0x400 : 0);
      assert.equal((ours.flags | marks).toString(16), (theirs!.flags | marks).toString(16), "flags");
      assert.deepEqual(comparable(ours, shape), comparable(theirs!, shape));
    });
  }

  it("an IPv6 address without detection, whose flag ip writes in the header and we in IFA_FLAGS", () => {
    const [theirs] = captured("address-6-nodad");
    const index = indexIn(theirs!.payload);
    const ours = addAddress({ index, address: fd1(2), prefixLength: 64, flags: 0x02, text: "" });
    const [a, b] = [ours, theirs!].map((message) => comparable(message, address) as Record<string, string>);
    assert.deepEqual([a!["1"], a!["2"]], [b!["1"], b!["2"]]);
    assert.equal(a!["8"], "02000000");
    assert.equal(b!.header!.slice(4, 6), "02");
  });

  for (const [name, kind, data] of [
    ["ipvlan", ipvlanKind, ipvlan.put({ mode: ipvlanMode.l3s })],
    ["vlan", vlanKind, vlan.put({ id: 101 })],
  ] as const) {
    it(`${name}, except flags that ip writes although they are the kernel's default`, () => {
      const [theirs] = captured(name);
      const ours = createLink({ name: name === "vlan" ? "v0.101" : "i0", peerIndex: 3, info: { kind, data } });
      const expected = comparable(theirs!, link) as { 18: { 2: Record<string, string> } };
      delete expected[18][2]["2"];
      assert.deepEqual(comparable(ours, link), expected);
    });
  }

  for (const [name, port] of [
    ["bridge-port-flags", { hairpin: 1, isolated: 1 }],
    ["bridge-port-no-flood", { unicastFlood: 0, multicastFlood: 0, learning: 0 }],
  ] as const) {
    it(`${name}, whose kind ip gives as the link's and we as the port's`, () => {
      const [theirs] = captured(name);
      const portData = (message: { payload: Uint8Array }) =>
        (comparable(message, link) as { 18: { 5: Record<string, string> } })[18][5];
      assert.deepEqual(portData(changeBridgePort("", "v0", port)), portData(theirs!));
    });
  }

  it("an IPv4 address, except its broadcast address, which ip adds only on request", () => {
    const [theirs] = captured("address-4-plain");
    const index = indexIn(theirs!.payload);
    const ours = addAddress({ index, address: bytes("10.1.0.2"), prefixLength: 24, text: "" });
    assert.deepEqual(comparable(ours, address), { ...comparable(theirs!, address), 4: "0a0100ff" });
  });

  for (const [capture, ours] of [
    ["nft-chain-prerouting", { type: "nat", hook: hook.prerouting, priority: priority.destinationNat }],
    ["nft-chain-filter", { type: "filter", hook: hook.forward, priority: priority.filter - 5 }],
  ] as const) {
    it(`${capture}, except the policy: ours is always accept`, () => {
      const [theirs] = captured(capture);
      const name = capture.slice("nft-chain-".length).replace("filter", "forward");
      assert.deepEqual(comparable(newChain(table, name, ours), nft), { ...comparable(theirs!, nft), 5: "00000001" });
    });
  }

  it("the deletion of a route, by its key", () => {
    const [theirs] = captured("route-delete");
    const ours = deleteRoute({ text: "", destination: bytes("10.7.0.0"), dstLength: 24, outIndex: 3 });
    const [a, b] = [ours, theirs!].map((message) => comparable(message, route) as Record<string, string>);
    assert.deepEqual([ours.type, a!["1"], a!["4"]], [theirs!.type, b!["1"], b!["4"]]);
  });
});
