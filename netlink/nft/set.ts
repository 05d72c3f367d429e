/** Sets and maps, and their elements: NFTA_SET_*, NFTA_SET_ELEM_*. A map is a set whose elements lead to a value. */
import { attributes, be32, bytes, list, nest, text, type Values } from "../codec.ts";
import { errno, isKernelError } from "../errors.ts";
import { flags, type Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { comment } from "./comment.ts";
import { data } from "./expr/expression.ts";
import { nfgenHeader, nftMessage, nftType } from "./message.ts";
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

export type ValueType = (typeof valueType)[keyof typeof valueType];

const bitsPerType = 6;
/** NFT_SET_MAP. A concatenation of exact values needs no flag. */
const isMap = 0x8;

/** NFTNL_UDATA_SET_KEYBYTEORDER (0), 4 bytes, BYTEORDER_HOST_ENDIAN: without it nft(8) shows names backwards. */
const hostOrderKey = Uint8Array.of(0, 4, 1, 0, 0, 0);

export interface SetShape {
  readonly name: string;
  readonly key: readonly ValueType[];
  /** Of a map. */
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

const element = attributes({ key: [1, nest(data)], value: [2, nest(data)], comment: [6, comment] });

const elementsAttributes = attributes({ table: [1, text], set: [2, text], elements: [3, list(1, nest(element))] });

export interface Element {
  readonly key: readonly Uint8Array[];
  readonly value?: readonly Uint8Array[];
  readonly comment?: string;
}

export interface FoundElement {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
  readonly comment: string | undefined;
}

const padded = (length: number) => (length + 3) & ~3;

function numberOf(types: readonly ValueType[]): number {
  let number = 0;
  for (const { number: one } of types) number = (number << bitsPerType) | one;
  return number;
}

/** One value keeps its length; concatenated ones begin on a register each, of 4 bytes. */
function lengthOf(types: readonly ValueType[]): number {
  if (types.length === 1) return types[0]!.bytes;
  let length = 0;
  for (const { bytes: one } of types) length += padded(one);
  return length;
}

/** Makes a set, or leaves one that is there. */
export function newSet(table: Table, { name, key, value }: SetShape, id: number): Message {
  const payload = setAttributes.put({
    table: table.name,
    name,
    flags: value ? isMap : 0,
    keyType: numberOf(key),
    keyLength: lengthOf(key),
    ...(value && { dataType: numberOf(value), dataLength: lengthOf(value) }),
    id,
    ...(key.length === 1 && key[0] === valueType.linkName && { userData: hostOrderKey }),
  });
  return nftMessage(`create nf_tables set ${name}`, nftType.newSet, table.family, flags.create, payload);
}

/** A message must stay below 64 KiB; an element with its comment takes up to 250 bytes. */
const elementsPerMessage = 200;

/**
 * Adds elements; one that is there with the same value is left, with another value refused (EEXIST); with
 * `flags.exclusive` both are.
 */
export function addElements(table: Table, set: string, elements: readonly Element[], exclusive = 0): Message[] {
  return inParts(elements, (part) =>
    nftMessage(
      `add ${elements.length} elements to nf_tables set ${set}`,
      nftType.newElement,
      table.family,
      flags.create | exclusive,
      elementsAttributes.put({ table: table.name, set, elements: part.map(packed) }),
    ),
  );
}

/** Deletes elements; refused with ENOENT when one is not there. */
export function deleteElements(table: Table, set: string, keys: readonly Uint8Array[]): Message[] {
  return inParts(keys, (part) =>
    nftMessage(
      `delete ${keys.length} elements of nf_tables set ${set}`,
      nftType.deleteElement,
      table.family,
      0,
      elementsAttributes.put({ table: table.name, set, elements: part.map((key) => ({ key: { value: key } })) }),
    ),
  );
}

function inParts<T>(all: readonly T[], message: (part: readonly T[]) => Message): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < all.length; at += elementsPerMessage) {
    messages.push(message(all.slice(at, at + elementsPerMessage)));
  }
  return messages;
}

function packed({ key, value, comment: words }: Element) {
  return {
    key: { value: concatenated(key) },
    ...(value && { value: { value: concatenated(value) } }),
    comment: words,
  };
}

/** Values one after another, each from the start of a register. */
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

/** The element of this key, or undefined. */
export function getElement(
  socket: NetlinkSocket,
  table: Table,
  set: string,
  key: Uint8Array,
): FoundElement | undefined {
  const payload = elementsAttributes.put({ table: table.name, set, elements: [{ key: { value: key } }] });
  const what = `look up an element of nf_tables set ${set}`;
  try {
    const frame = socket.lookUp(nftMessage(what, nftType.getElement, table.family, 0, payload));
    return frame && foundIn(frame.payload)[0];
  } catch (error) {
    if (isKernelError(error, errno.ENOENT)) return undefined;
    throw error;
  }
}

/** All elements of a set; none when there is no such set. */
export function listElements(socket: NetlinkSocket, table: Table, set: string): FoundElement[] {
  const payload = elementsAttributes.put({ table: table.name, set });
  const what = `list nf_tables set ${set}`;
  try {
    const found: FoundElement[] = [];
    for (const frame of socket.dump(nftMessage(what, nftType.getElement, table.family, 0, payload))) {
      found.push(...foundIn(frame.payload));
    }
    return found;
  } catch (error) {
    if (isKernelError(error, errno.ENOENT)) return [];
    throw error;
  }
}

function foundIn(payload: Uint8Array): FoundElement[] {
  const { elements = [] } = elementsAttributes.get(payload.subarray(nfgenHeader.size));
  return (elements as readonly Values<(typeof element)["table"]>[]).map(({ key, value, comment: words }) => ({
    key: key?.value ?? new Uint8Array(0),
    value: value?.value,
    comment: words,
  }));
}

/** A link's name as the kernel compares it: 16 bytes. */
export function linkNameBytes(name: string): Uint8Array {
  const out = new Uint8Array(16);
  out.set(new TextEncoder().encode(name).subarray(0, 15));
  return out;
}
