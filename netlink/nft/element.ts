/**
 * Elements of sets and maps: NFTA_SET_ELEM_LIST_*, NFTA_SET_ELEM_*. There may be tens of thousands, so this file copies
 * and walks bytes instead of using a codec for each.
 */

import { errno, tolerating } from "../../sys/errors.ts";
import { aligned, attributes, bytes, list, nest, readU32, text, writeU32 } from "../codec.ts";
import { flags, type Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { comment } from "./comment.ts";
import { data } from "./expr/expression.ts";
import { nfgenHeader, nftMessage, nftType } from "./message.ts";
import { concatenated } from "./set.ts";
import type { Table } from "./table.ts";

const type = { key: 1, value: 2, comment: 6 } as const;
const element = attributes({ key: [type.key, nest(data)], value: [type.value, nest(data)], comment: [6, comment] });
const oneElement = list(1, nest(element));
const elementsType = 3;
const elementsAttributes = attributes({ table: [1, text], set: [2, text], elements: [elementsType, nest(bytes)] });

export interface Element {
  readonly key: readonly Uint8Array[];
  readonly value?: readonly Uint8Array[];
  readonly comment?: string | undefined;
  /** That many elements in a row: the port at the end of the key, and the one at the end of the value, count up. */
  readonly count?: number | undefined;
}

export interface FoundElement {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
  readonly comment: string | undefined;
}

const headerBytes = 4;
/** Where a key begins: after the headers of the element, of its key, and of the value in that. */
const keyAt = 3 * headerBytes;
/** A port in a concatenation has two bytes in a register of four. */
const registerBytes = 4;

/**
 * Adds elements. An existing one with the same value is left, with another value it is refused (EEXIST); with
 * `flags.exclusive` both are refused.
 */
export function addElements(table: Table, set: string, elements: readonly Element[], exclusive = 0): Message[] {
  const parts: Uint8Array[] = [];
  for (const one of elements) {
    const key = concatenated(one.key);
    const value = one.value && concatenated(one.value);
    const first = oneElement.put([{ key: { value: key }, value: value && { value }, comment: one.comment }]);
    parts.push(first);
    if (one.count === undefined) continue;
    const keyEnd = keyAt + key.length;
    const places = value ? [keyEnd, keyEnd + 2 * headerBytes + value.length] : [keyEnd];
    for (let i = 1; i < one.count; i++) parts.push(counted(first, places, i));
  }
  const what = `add ${parts.length} elements to nf_tables set ${set}`;
  return inMessages(parts, { what, type: nftType.newElement, flags: flags.create | exclusive, table, set });
}

/** A copy in which the ports in the registers that end at `places` are higher by that much. */
function counted(first: Uint8Array, places: readonly number[], by: number): Uint8Array {
  const out = first.slice();
  for (let i = 0; i < places.length; i++) {
    const at = places[i]! - registerBytes;
    const number = ((out[at]! << 8) | out[at + 1]!) + by;
    out[at] = number >> 8;
    out[at + 1] = number;
  }
  return out;
}

/** Deletes elements. Refused with ENOENT if one does not exist. */
export function deleteElements(table: Table, set: string, keys: readonly Uint8Array[]): Message[] {
  const parts: Uint8Array[] = [];
  for (const key of keys) {
    const length = keyAt + key.length;
    const out = new Uint8Array(aligned(length));
    writeU32(out, 0, length | (nested(type.key) << 16));
    writeU32(out, headerBytes, (length - headerBytes) | (nested(type.key) << 16));
    writeU32(out, 2 * headerBytes, (length - 2 * headerBytes) | (1 << 16));
    out.set(key, keyAt);
    parts.push(out);
  }
  const what = `delete ${keys.length} elements of nf_tables set ${set}`;
  return inMessages(parts, { what, type: nftType.deleteElement, flags: 0, table, set });
}

const nested = (number: number) => number | 0x8000;

interface Wanted {
  readonly what: string;
  readonly type: number;
  readonly flags: number;
  readonly table: Table;
  readonly set: string;
}

/** An attribute's length has 16 bits. */
const elementsBytesMax = 60_000;

function inMessages(parts: readonly Uint8Array[], { what, type: number, flags: asked, table, set }: Wanted): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < parts.length; ) {
    let length = 0;
    let end = at;
    while (end < parts.length && length + parts[end]!.length <= elementsBytesMax) length += parts[end++]!.length;
    const elements = new Uint8Array(length);
    for (let to = 0; at < end; at++) {
      elements.set(parts[at]!, to);
      to += parts[at]!.length;
    }
    const payload = elementsAttributes.put({ table: table.name, set, elements });
    messages.push(nftMessage(what, number, table.family, asked, payload));
  }
  return messages;
}

/** The element of this key, or undefined. */
export function getElement(
  socket: NetlinkSocket,
  table: Table,
  set: string,
  key: Uint8Array,
): FoundElement | undefined {
  const payload = elementsAttributes.put({
    table: table.name,
    set,
    elements: oneElement.put([{ key: { value: key } }]),
  });
  const what = `look up an element of nf_tables set ${set}`;
  const message = nftMessage(what, nftType.getElement, table.family, 0, payload);
  const frame = tolerating(() => socket.lookUp(message), errno.ENOENT);
  return frame && new Reader().found(frame.payload)[0];
}

/** All elements of a set; none if the set does not exist. */
export function listElements(socket: NetlinkSocket, table: Table, set: string): FoundElement[] {
  const payload = elementsAttributes.put({ table: table.name, set });
  const what = `list nf_tables set ${set}`;
  const message = nftMessage(what, nftType.getElement, table.family, 0, payload);
  const reader = new Reader();
  for (const frame of tolerating(() => socket.dump(message), errno.ENOENT) ?? []) reader.found(frame.payload);
  return reader.all;
}

/**
 * Calls `see` with each attribute's type and the begin and end of its content. Trusts the lengths, which the kernel
 * wrote.
 */
function walk(
  raw: Uint8Array,
  start: number,
  end: number,
  see: (type: number, from: number, to: number) => void,
): void {
  for (let at = start; at + headerBytes <= end; ) {
    const header = readU32(raw, at);
    const length = header & 0xffff;
    if (length < headerBytes) return;
    see((header >>> 16) & 0x3fff, at + headerBytes, at + length);
    at = aligned(at + length);
  }
}

/** Reads elements. Neighbours of one owner have the same comment, which is then decoded once. */
class Reader {
  readonly all: FoundElement[] = [];
  #raw: Uint8Array = new Uint8Array(0);
  #words: Uint8Array | undefined;
  #comment: string | undefined;

  found(payload: Uint8Array): FoundElement[] {
    this.#raw = payload;
    walk(payload, nfgenHeader.size, payload.length, (kind, from, to) => {
      if (kind === elementsType) walk(payload, from, to, (_, start, end) => this.#one(start, end));
    });
    return this.all;
  }

  #one(start: number, end: number): void {
    const raw = this.#raw;
    let key = new Uint8Array(0);
    let value: Uint8Array | undefined;
    let words: string | undefined;
    walk(raw, start, end, (kind, from, to) => {
      if (kind === type.key) key = raw.slice(from + headerBytes, to);
      else if (kind === type.value) value = raw.slice(from + headerBytes, to);
      else if (kind === type.comment) words = this.#commentAt(from, to);
    });
    this.all.push({ key, value, comment: words });
  }

  #commentAt(from: number, to: number): string {
    const words = this.#raw.subarray(from, to);
    if (this.#words === undefined || Buffer.compare(words, this.#words) !== 0) {
      this.#words = words;
      this.#comment = comment.get(words);
    }
    return this.#comment!;
  }
}
