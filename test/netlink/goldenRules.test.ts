/** Compares our rules, sets and traffic control with those of `nft` and `tc`: test/golden/, captured by strace. */
import assert from "node:assert/strict";
import { mac } from "../../netlink/codec.ts";
import type { Message } from "../../netlink/message.ts";
import { hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { addElements, deleteElements } from "../../netlink/nft/element.ts";
import { keepBits } from "../../netlink/nft/expr/bitwise.ts";
import { differs, equals } from "../../netlink/nft/expr/compare.ts";
import { connectionState, connectionStatus, conntrackKey, loadConntrack } from "../../netlink/nft/expr/conntrack.ts";
import { register } from "../../netlink/nft/expr/expression.ts";
import { lookUp } from "../../netlink/nft/expr/lookup.ts";
import { loadMeta, metaKey } from "../../netlink/nft/expr/meta.ts";
import { loadPayload, payloadBase } from "../../netlink/nft/expr/payload.ts";
import { accept, drop } from "../../netlink/nft/expr/verdict.ts";
import { family } from "../../netlink/nft/message.ts";
import { newRule } from "../../netlink/nft/rule.ts";
import { linkNameBytes, newSet, valueType } from "../../netlink/nft/set.ts";
import { addIngress, redirectAll, redirectLoopback, replaceBucket } from "../../netlink/route/qdisc.ts";
import { translation } from "../../step/ports/rules.ts";
import { portMaps } from "../../step/ports/sets.ts";
import { captured, type Shape, tree } from "./tree.ts";

const { linkName, hardware, ipv4, port, protocol } = valueType;
const inet = { family: family.inet, name: "ns-net" };
const bridge = { family: family.bridge, name: "ns-net" };
const bytes = (text: string) => Uint8Array.from(text.split("."), Number);
const noBits = new Uint8Array(4);

/** The number of a set within a batch is arbitrary. */
const withoutSetId = (json: string) => json.replaceAll(/,"4":"0000000[1-5]"/g, "");
const withoutOperation = (json: string) => json.replaceAll(/,"6":"00000000"/g, "");
/** nft writes hints for printing into user data. */
const withoutHints = (json: string) => json.replaceAll(/,"13":"[0-9a-f]*"/g, "");

const nft: Shape = { skip: 4 };

function comparable({ payload }: { payload: Uint8Array }): object {
  return JSON.parse(withoutHints(withoutOperation(withoutSetId(JSON.stringify(tree(payload, nft))))));
}

const rule = (chain: string, expressions: Parameters<typeof newRule>[2]) => [newRule(inet, chain, expressions)];
const published = { name: "published", key: [protocol, port], value: [ipv4, port] };
const named = { key: [linkNameBytes("ve0")], comment: "web" };
const genuine = { name: "genuine", key: [linkName, hardware] };
const genuineElement = { key: [linkNameBytes("ve0"), mac.put("0a:00:00:00:00:01")], comment: "web" };
const byPort = { key: [Uint8Array.of(6), Uint8Array.of(0x1f, 0x90)], value: [bytes("10.1.0.2"), Uint8Array.of(0, 80)] };

const rows: [capture: string, ours: readonly Message[]][] = [
  ["nft-set-names", [newSet(inet, { name: "ports", key: [linkName] }, 1), ...addElements(inet, "ports", [named])]],
  ["nft-set-element", addElements(inet, "pods", [{ key: [bytes("10.1.0.2")], comment: "web eth0" }])],
  ["nft-set-element-delete", deleteElements(inet, "pods", [bytes("10.1.0.2")])],
  ["nft-map-concatenated", [newSet(inet, published, 1), ...addElements(inet, "published", [byPort])]],
  ["nft-dnat-map-any4", rule("ports", translation(4, portMaps.any4, false))],
  ["nft-dnat-map-exact4", rule("ports", translation(4, portMaps.exact4, true))],
  ["nft-dnat-map-exact6", rule("ports", translation(6, portMaps.exact6, true))],
  [
    "nft-ct-state",
    rule("net-1", [
      loadConntrack(conntrackKey.state),
      keepBits(connectionState.establishedOrRelated),
      differs(noBits),
      accept,
    ]),
  ],
  [
    "nft-ingress-pair",
    rule("net-1", [loadMeta(metaKey.inName), loadMeta(metaKey.outName, register.two), lookUp("pairs", 1), accept]),
  ],
  [
    "nft-ingress-bridge",
    rule("net-1", [
      ...[loadMeta(metaKey.inKind), equals(linkNameBytes("bridge"))],
      ...[loadConntrack(conntrackKey.status), keepBits(connectionStatus.destinationNat), equals(noBits)],
      drop,
    ]),
  ],
  [
    "nft-bridge-chain",
    [newChain(bridge, "spoofed", { type: "filter", hook: hook.prerouting, priority: priority.raw })],
  ],
  [
    "nft-bridge-spoofed",
    [
      newRule(bridge, "spoofed", [
        loadMeta(metaKey.inName),
        loadPayload(payloadBase.link, 6, 6, register.two),
        lookUp("genuine", 1),
        accept,
      ]),
    ],
  ],
  ["nft-bridge-genuine", [newSet(bridge, genuine, 1), ...addElements(bridge, "genuine", [genuineElement])]],
];

describe("What we send to nf_tables is what nft sends:", () => {
  for (const [name, ours] of rows) {
    it(name, () => {
      const theirs = captured(name);
      assert.equal(ours.length, theirs.length, "messages");
      for (const [i, message] of ours.entries()) {
        assert.equal(message.type, theirs[i]!.type);
        assert.deepEqual(comparable(message), comparable(theirs[i]!));
      }
    });
  }
});

describe("What we send for traffic control is what tc sends:", () => {
  const filter: Shape = { skip: 20, 2: { 7: { 1: { 2: {} } } } };
  const plain = ({ payload }: { payload: Uint8Array }, shape: Shape) =>
    JSON.parse(JSON.stringify(tree(payload, shape)).replaceAll(/"(\d+)!":/g, '"$1":'));
  const indexIn = (payload: Uint8Array) => new DataView(payload.buffer, payload.byteOffset).getInt32(4, true);

  it("a qdisc for received packets", () => {
    const [theirs] = captured("qdisc-ingress");
    const ours = plain(addIngress(indexIn(theirs!.payload), ""), { skip: 20 });
    const { 2: _, ...rest } = plain(theirs!, { skip: 20 }); // options, empty
    assert.deepEqual(ours, rest);
  });

  it("a filter that redirects everything", () => {
    const [theirs] = captured("filter-redirect");
    const ours = redirectAll(indexIn(theirs!.payload), 4, "");
    assert.equal(ours.type, theirs!.type);
    assert.deepEqual(plain(ours, filter), plain(theirs!, filter));
  });

  it("a filter that redirects packets for 127.0.0.0/8", () => {
    const [theirs] = captured("filter-loopback");
    const ours = redirectLoopback(indexIn(theirs!.payload), 4, "");
    assert.equal(ours.type, theirs!.type);
    assert.deepEqual(plain(ours, filter), plain(theirs!, filter));
    const header = (payload: Uint8Array) => Buffer.from(payload.subarray(8, 20)).toString("hex");
    assert.equal(header(ours.payload), header(theirs!.payload));
  });

  it("a token bucket, by its rate, its limit and its burst: tc writes the burst in time, with tables that the kernel no longer needs", () => {
    const [theirs] = captured("qdisc-tbf");
    const bucket: Shape = { skip: 20, 2: {} };
    const ours = replaceBucket({
      index: indexIn(theirs!.payload),
      text: "",
      bytesPerSecond: 1_000_000,
      burstBytes: 32 * 1024,
    });
    const [a, b] = [ours, theirs!].map((message) => plain(message, bucket)[2]["1"] as string);
    const numberAt = (hex: string, at: number) => Buffer.from(hex, "hex").readUInt32LE(at);
    for (const at of [8, 24]) assert.equal(numberAt(a!, at), numberAt(b!, at));
    assert.equal(plain(ours, bucket)[2]["6"], plain(theirs!, bucket)[2]["6"]);
  });
});
