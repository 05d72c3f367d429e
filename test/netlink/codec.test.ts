/** The codecs as properties: written values can be read, and any bytes cause no error but WireError. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  attributes,
  be16,
  be32,
  be64,
  bytes,
  type Codec,
  flag,
  i32,
  list,
  mac,
  nest,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
  WireError,
} from "../../netlink/codec.ts";
import { acknowledgement, frames } from "../../netlink/message.ts";
import { comment } from "../../netlink/nft/comment.ts";
import { bitwise } from "../../netlink/nft/expr/bitwise.ts";
import { compare } from "../../netlink/nft/expr/compare.ts";
import { expressionText } from "../../netlink/nft/expr/index.ts";
import { addressPayload } from "../../netlink/route/address.ts";
import { bridge } from "../../netlink/route/kind/bridge.ts";
import { bridgePort } from "../../netlink/route/kind/bridgePort.ts";
import { veth } from "../../netlink/route/kind/veth.ts";
import { linkPayload } from "../../netlink/route/link.ts";
import { routePayload } from "../../netlink/route/route.ts";
import { golden, goldenNames } from "../support/golden.ts";

const plain = { noNullPrototype: true };
const number = (bits: number) => fc.nat({ max: 2 ** bits - 1 });
const raw = fc.uint8Array({ maxLength: 64 });
const word = fc.string({ maxLength: 40, unit: "grapheme" }).filter((value) => !value.includes("\0"));
const hardware = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((six) => mac.get(six));

// biome-ignore lint/suspicious/noExplicitAny: codecs of every type, each with values of its own.
type AnyCodec = Codec<any>;

/** Codecs by name with values for each. */
const values: Record<string, [AnyCodec, fc.Arbitrary<unknown>]> = {
  u8: [u8 as AnyCodec, number(8)],
  u16: [u16 as AnyCodec, number(16)],
  u32: [u32 as AnyCodec, number(32)],
  i32: [i32 as AnyCodec, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })],
  u64: [u64 as AnyCodec, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  be16: [be16 as AnyCodec, number(16)],
  be32: [be32 as AnyCodec, number(32)],
  be64: [be64 as AnyCodec, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  bytes: [bytes as AnyCodec, raw],
  flag: [flag as AnyCodec, fc.constant(true)],
  text: [text as AnyCodec, word],
  mac: [mac as AnyCodec, hardware],
  struct: [
    struct({ a: u8, b: be16, c: u32 }) as AnyCodec,
    fc.record({ a: number(8), b: number(16), c: number(32) }, plain),
  ],
  list: [list(1, nest(attributes({ a: [1, u32] }))) as AnyCodec, fc.array(fc.record({ a: number(32) }, plain))],
  attributes: [
    attributes({ name: [3, text], inner: [18, nest(attributes({ kind: [1, text], data: [2, bytes] }))] }) as AnyCodec,
    fc.record(
      { name: word, inner: fc.record({ kind: word, data: raw }, { requiredKeys: [], noNullPrototype: true }) },
      { requiredKeys: [], noNullPrototype: true },
    ),
  ],
  bridge: [
    bridge as AnyCodec,
    fc.record({ forwardDelay: number(32), vlanFiltering: number(8) }, { requiredKeys: [], noNullPrototype: true }),
  ],
  "bridge port": [
    bridgePort as AnyCodec,
    fc.record({ hairpin: number(8), isolated: number(8), state: number(8) }, plain),
  ],
  "comment of nf_tables": [
    comment as AnyCodec,
    fc.string({ maxLength: 100 }).filter((value) => !/[\0\u0080-\uffff]/.test(value)),
  ],
};

describe("Codecs", () => {
  for (const [name, [codec, value]] of Object.entries(values)) {
    it(`${name}: what is written is read again`, () => {
      fc.assert(fc.property(value, (one) => assert.deepEqual(codec.get(codec.put(one)), one)));
    });
  }

  it("numbers have the byte order of their name", () => {
    const hex = (put: Uint8Array) => Buffer.from(put).toString("hex");
    assert.deepEqual([u16.put(0x1234), be16.put(0x1234), u32.put(0x12345678), be32.put(0x12345678)].map(hex), [
      "3412",
      "1234",
      "78563412",
      "12345678",
    ]);
    assert.deepEqual([u64.put(1n), be64.put(1n)].map(hex), ["0100000000000000", "0000000000000001"]);
  });

  it("an attribute longer than its length field allows is refused", () => {
    const table = attributes({ data: [1, bytes] });
    assert.equal(table.put({ data: new Uint8Array(65531) }).length, 65536);
    assert.throws(() => table.put({ data: new Uint8Array(65532) }), WireError);
  });
});

describe("Any bytes", () => {
  const readers: Record<string, (bytes: Uint8Array) => unknown> = {
    ...Object.fromEntries(Object.entries(values).map(([name, [codec]]) => [name, (some) => codec.get(some)])),
    "a link": linkPayload.get,
    "an address": addressPayload.get,
    "a route": routePayload.get,
    "a veth": veth.get,
    "an expression": compare.get,
    "another expression": bitwise.get,
    "a datagram": frames,
    "an acknowledgement": (payload) => acknowledgement({ type: 2, flags: 0x300, sequence: 1, payload }),
    "a text of an expression": (data) => expressionText({ name: "cmp", data }),
  };

  /** Random bytes seldom look like attributes; captures with a changed, removed or inserted byte do. */
  const corpus = goldenNames().flatMap((name) => golden(name).messages.map((message) => message.subarray(16)));
  const damaged = fc
    .record({ from: fc.constantFrom(...corpus), at: fc.nat(), byte: number(8), cut: fc.nat() })
    .map(({ from, at, byte, cut }) => {
      const copy = from.slice(0, cut % 4 === 0 ? cut % (from.length + 1) : from.length);
      if (copy.length > 0) copy[at % copy.length] = byte;
      return copy;
    });

  const harmless = (read: (bytes: Uint8Array) => unknown) => (some: Uint8Array) => {
    try {
      read(some);
    } catch (error) {
      assert.ok(error instanceof WireError, `${(error as Error).name}: ${(error as Error).message}`);
    }
  };

  for (const [name, read] of Object.entries(readers)) {
    it(`read as ${name} cause no error but WireError`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 128 }), harmless(read)), { numRuns: 1000 });
      fc.assert(fc.property(damaged, harmless(read)), { numRuns: 1000 });
    });
  }

  it("with an attribute shorter than its header are refused, without an endless loop", () => {
    const table = attributes({ a: [1, u8] });
    for (const length of [0, 1, 3]) assert.throws(() => table.get(Uint8Array.of(length, 0, 1, 0)), WireError);
    assert.throws(() => table.get(Uint8Array.of(8, 0, 1, 0)), WireError);
    assert.throws(() => frames(new Uint8Array(16)), WireError);
    assert.throws(() => frames(new Uint8Array(15)), WireError);
  });
});
