/**
 * The wire format as tables: a table is encoder, decoder, type and documentation in one.
 * Netlink is in host byte order (little-endian on every machine Bun runs on); big-endian codecs have it in their name
 * (be16, be32, be64).
 * Typed arrays are walked by index: `for … of` uses an iterator, which the engine compiles at its first use.
 * Layout of attributes: linux/netlink.h, struct nlattr; each is padded to 4 bytes.
 */

import { cText } from "../sys/cText.ts";

export interface Codec<T> {
  put(value: T): Uint8Array;
  get(bytes: Uint8Array): T;
  /** True for an attribute that carries NLA_F_NESTED. */
  readonly nested?: boolean;
}

/** The bytes break the protocol: a bug here or in the kernel, never a user's mistake. */
export class WireError extends Error {
  override name = "WireError";
}

const nestedFlag = 0x8000;
const attributeTypeMask = 0x3fff;
const attributeHeaderBytes = 4;
const attributeBytesMax = 0xffff;

export function aligned(length: number): number {
  return (length + 3) & ~3;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Little-endian. */
export function readU32(raw: Uint8Array, at: number): number {
  return (raw[at]! | (raw[at + 1]! << 8) | (raw[at + 2]! << 16) | (raw[at + 3]! << 24)) >>> 0;
}

export function writeU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value;
  out[at + 1] = value >>> 8;
  out[at + 2] = value >>> 16;
  out[at + 3] = value >>> 24;
}

interface FixedCodec<T> extends Codec<T> {
  /** Bytes. */
  readonly size: number;
  /** `out` must be zero at that place. */
  write(out: Uint8Array, at: number, value: T): void;
  get(bytes: Uint8Array, at?: number): T;
}

function requireBytes(raw: Uint8Array, at: number, size: number): void {
  const left = raw.length - at;
  if (left < size) throw new WireError(`Cannot read ${size} bytes from the ${left} that are left`);
}

/** A whole number of 1, 2 or 4 bytes, by shifts: creating a DataView takes a microsecond, and there are hundreds. */
function whole(size: 1 | 2 | 4, isBigEndian: boolean, isSigned = false): FixedCodec<number> {
  const [first, step] = isBigEndian ? [8 * (size - 1), -8] : [0, 8];
  const write = (out: Uint8Array, at: number, value: number) => {
    for (let i = 0; i < size; i++) out[at + i] = value >>> (first + step * i);
  };
  return {
    size,
    write,
    put(value) {
      const bytes = new Uint8Array(size);
      write(bytes, 0, value);
      return bytes;
    },
    get(raw, at = 0) {
      requireBytes(raw, at, size);
      let value = 0;
      for (let i = 0; i < size; i++) value |= raw[at + i]! << (first + step * i);
      return isSigned ? value : value >>> 0;
    },
  };
}

function whole64(isLittleEndian: boolean): FixedCodec<bigint> {
  const size = 8;
  const write = (out: Uint8Array, at: number, value: bigint) => viewOf(out).setBigUint64(at, value, isLittleEndian);
  return {
    size,
    write,
    put(value) {
      const bytes = new Uint8Array(size);
      write(bytes, 0, value);
      return bytes;
    },
    get(raw, at = 0) {
      requireBytes(raw, at, size);
      return viewOf(raw).getBigUint64(at, isLittleEndian);
    },
  };
}

export const u8 = whole(1, false);
export const u16 = whole(2, false);
export const u32 = whole(4, false);
export const i32 = whole(4, false, true);
export const u64 = whole64(true);
export const be16 = whole(2, true);
export const be32 = whole(4, true);
export const be64 = whole64(false);

/** Bytes unchanged: hardware addresses, IP addresses in network order, data that another table reads. */
export const bytes: Codec<Uint8Array> = { put: (value) => value, get: (raw) => raw.slice() };

/** An attribute without content: its presence is the value. */
export const flag: Codec<true> = { put: () => new Uint8Array(0), get: () => true };

/** NUL-terminated text. Nearly all of it is ASCII (names), which needs no encoder. */
export const text: Codec<string> = {
  put: cText,
  get(raw) {
    let out = "";
    for (let i = 0; i < raw.length; i++) {
      const byte = raw[i]!;
      if (byte === 0) return out;
      if (byte > 0x7f) return new TextDecoder().decode(raw).split("\0")[0]!;
      out += String.fromCharCode(byte);
    }
    return out;
  },
};

const hexDigits = "0123456789abcdef";

/** A hardware address, `02:00:00:00:00:01`. */
export const mac: Codec<string> = {
  put(value) {
    const parts = value.split(":");
    const out = new Uint8Array(parts.length);
    for (let i = 0; i < parts.length; i++) out[i] = Number.parseInt(parts[i]!, 16);
    return out;
  },
  get(raw) {
    let out = "";
    for (let i = 0; i < raw.length; i++)
      out += `${i === 0 ? "" : ":"}${hexDigits[raw[i]! >> 4]}${hexDigits[raw[i]! & 15]}`;
    return out;
  },
};

/** A codec whose values are converted by two functions. */
export function mapped<A, B>(codec: Codec<A>, to: (value: A) => B, from: (value: B) => A): Codec<B> {
  return { put: (value) => codec.put(from(value)), get: (raw) => to(codec.get(raw)) };
}

// biome-ignore lint/suspicious/noExplicitAny: a table holds codecs of every type; what they are is inferred per entry.
type AnyCodec = Codec<any>;
type Of<C> = C extends Codec<infer T> ? T : never;

/** A C structure: fields in order, each as long as its codec writes. Missing fields are zero. No padding is added. */
export function struct<F extends Record<string, FixedCodec<number> | FixedCodec<bigint>>>(
  fields: F,
): FixedCodec<{ [K in keyof F]?: Of<F[K]> | undefined }> {
  type Fields = { [K in keyof F]?: Of<F[K]> | undefined };
  let size = 0;
  for (const name in fields) size += fields[name]!.size;
  const write = (out: Uint8Array, start: number, value: Fields) => {
    let at = start;
    for (const name in fields) {
      const codec = fields[name] as FixedCodec<unknown>;
      if (value[name] !== undefined) codec.write(out, at, value[name]);
      at += codec.size;
    }
  };
  return {
    size,
    write,
    put(value) {
      const out = new Uint8Array(size);
      write(out, 0, value);
      return out;
    },
    get(raw, start = 0) {
      requireBytes(raw, start, size);
      const value: Record<string, unknown> = {};
      let at = start;
      for (const name in fields) {
        const codec = fields[name] as FixedCodec<unknown>;
        value[name] = codec.get(raw, at);
        at += codec.size;
      }
      return value as Fields;
    },
  };
}

export type Table = Readonly<Record<string, readonly [type: number, codec: AnyCodec]>>;
export type Values<T extends Table> = { -readonly [K in keyof T]?: Of<T[K][1]> | undefined };

/** A set of attributes by name, written in the order of the table. Types that the table does not list are skipped. */
export function attributes<T extends Table>(table: T): Codec<Values<T>> & { readonly table: T } {
  let names: readonly (string | undefined)[] | undefined; // created at the first reading, because most tables are only written
  return {
    table,
    put(values) {
      const parts: Uint8Array[] = [];
      for (const name in table) {
        const value = values[name];
        if (value === undefined) continue;
        const [type, codec] = table[name]!;
        parts.push(attribute(type | (codec.nested ? nestedFlag : 0), codec.put(value)));
      }
      return joined(parts);
    },
    get(raw) {
      names ??= namesByType(table);
      const values: Record<string, unknown> = {};
      // A link has some fifty attributes, of which the table lists a dozen. The others cost no call and no object.
      for (let at = 0; at < raw.length; ) {
        const length = attributeLength(raw, at);
        const name = names[(raw[at + 2]! | (raw[at + 3]! << 8)) & attributeTypeMask];
        if (name !== undefined) {
          values[name] = table[name]![1].get(raw.subarray(at + attributeHeaderBytes, at + length));
        }
        at = aligned(at + length);
      }
      return values as Values<T>;
    },
  };
}

function namesByType(table: Table): (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (const name in table) names[table[name]![0]] = name;
  return names;
}

/** The same codec with its attribute marked NLA_F_NESTED, which nf_tables requires and rtnetlink mostly ignores. */
export function nest<C extends AnyCodec>(codec: C): C {
  return { ...codec, nested: true };
}

/** Elements with the same attribute type, one after another. */
export function list<T>(type: number, element: Codec<T>): Codec<readonly T[]> {
  return {
    nested: true,
    put(values) {
      const parts: Uint8Array[] = [];
      for (const value of values) parts.push(attribute(type | (element.nested ? nestedFlag : 0), element.put(value)));
      return joined(parts);
    },
    get(raw) {
      const values: T[] = [];
      for (let at = 0; at < raw.length; ) {
        const length = attributeLength(raw, at);
        values.push(element.get(raw.subarray(at + attributeHeaderBytes, at + length)));
        at = aligned(at + length);
      }
      return values;
    },
  };
}

function attribute(type: number, data: Uint8Array): Uint8Array {
  const length = attributeHeaderBytes + data.length;
  if (length > attributeBytesMax) {
    throw new WireError(`Cannot write an attribute of ${length} bytes: ${attributeBytesMax} is the most`);
  }
  const out = new Uint8Array(aligned(length));
  writeU32(out, 0, length | (type << 16));
  out.set(data, attributeHeaderBytes);
  return out;
}

/** The length of the attribute at `at` in bytes, with its header. Throws WireError if it is longer than the data. */
function attributeLength(raw: Uint8Array, at: number): number {
  const length = at + 1 < raw.length ? raw[at]! | (raw[at + 1]! << 8) : 0;
  if (length < attributeHeaderBytes || length > raw.length - at) {
    throw new WireError(`Cannot read an attribute of ${length} bytes at ${at} of ${raw.length}`);
  }
  return length;
}

/** Joins byte strings. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
