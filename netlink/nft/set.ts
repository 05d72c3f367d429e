/** Sets and maps: NFTA_SET_*. A map is a set whose elements have values. Elements: element.ts. */
import { attributes, be32, bytes, text } from "../codec.ts";
import { flags, type Message } from "../message.ts";
import { nftMessage, nftType } from "./message.ts";
import type { Table } from "./table.ts";

/** Types of values as nft(8) numbers them (TYPE_* of its datatype.h), with their lengths in bytes. A concatenation packs six bits each. */
export const valueType = {
  ipv4: { number: 7, bytes: 4 },
  ipv6: { number: 8, bytes: 16 },
  hardware: { number: 9, bytes: 6 },
  protocol: { number: 12, bytes: 1 },
  port: { number: 13, bytes: 2 },
  linkName: { number: 41, bytes: 16 },
} as const;

type ValueType = (typeof valueType)[keyof typeof valueType];

const bitsPerType = 6;
/** NFT_SET_MAP. A concatenation of exact values needs no flag. */
const isMap = 0x8;

/** NFTNL_UDATA_SET_KEYBYTEORDER (0), 4 bytes, BYTEORDER_HOST_ENDIAN: without it nft(8) shows names backwards. */
const hostOrderKey = Uint8Array.of(0, 4, 1, 0, 0, 0);

export interface SetShape {
  readonly name: string;
  readonly key: readonly ValueType[];
  /** Only for a map. */
  readonly value?: readonly ValueType[];
}

const setAttributes = attributes({
  table: [1, text],
  name: [2, text],
  flags: [3, be32],
  keyType: [4, be32],
  keyLength: [5, be32],
  dataType: [6, be32],
  dataLength: [7, be32],
  id: [10, be32],
  userData: [13, bytes],
});

const padded = (length: number) => (length + 3) & ~3;

function numberOf(types: readonly ValueType[]): number {
  let number = 0;
  for (const { number: one } of types) number = (number << bitsPerType) | one;
  return number;
}

/** One value keeps its length. Concatenated ones begin at a register of 4 bytes each. */
function lengthOf(types: readonly ValueType[]): number {
  if (types.length === 1) return types[0]!.bytes;
  let length = 0;
  for (const { bytes: one } of types) length += padded(one);
  return length;
}

/** Creates a set, or leaves an existing one. */
export function newSet(table: Table, { name, key, value }: SetShape, id: number): Message {
  const payload = setAttributes.put({
    table: table.name,
    name,
    flags: value ? isMap : 0,
    keyType: numberOf(key),
    keyLength: lengthOf(key),
    dataType: value && numberOf(value),
    dataLength: value && lengthOf(value),
    id,
    userData: key.length === 1 && key[0] === valueType.linkName ? hostOrderKey : undefined,
  });
  return nftMessage(`create nf_tables set ${name}`, nftType.newSet, table.family, flags.create, payload);
}

/** A link's name as the kernel compares it: 16 bytes. */
export function linkNameBytes(name: string): Uint8Array {
  const out = new Uint8Array(16);
  out.set(new TextEncoder().encode(name).subarray(0, 15));
  return out;
}

/** Concatenates values, each from the start of a register. */
export function concatenated(values: readonly Uint8Array[]): Uint8Array {
  if (values.length === 1) return values[0]!;
  let length = 0;
  for (const one of values) length += padded(one.length);
  const out = new Uint8Array(length);
  let at = 0;
  for (const one of values) {
    out.set(one, at);
    at += padded(one.length);
  }
  return out;
}
