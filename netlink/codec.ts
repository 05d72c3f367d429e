/**
 * The wire format as tables: a table is encoder, decoder, type and documentation in one.
 * Netlink is in host byte order (little-endian on every machine Bun runs on); what is big-endian says so (be16, be32, be64).
 * Layout of attributes: linux/netlink.h, struct nlattr; each is padded to 4 bytes.
 */

export interface Codec<T> {
  put(value: T): Uint8Array;
  get(bytes: Uint8Array): T;
  /** True for an attribute that is to carry NLA_F_NESTED. */
  readonly nested?: boolean;
}

/** The bytes are not what the protocol promises: a bug here or in the kernel, never a user's mistake. */
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

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fixed<T>(
  size: number,
  name: string,
  write: (view: DataView, value: T) => void,
  read: (view: DataView) => T,
): Codec<T> {
  return {
    put(value) {
      const bytes = new Uint8Array(size);
      write(viewOf(bytes), value);
      return bytes;
    },
    get(bytes) {
      if (bytes.length < size) throw new WireError(`Cannot read ${name} from ${bytes.length} bytes`);
      return read(viewOf(bytes));
    },
  };
}

export const u8 = fixed<number>(
  1,
  "u8",
  (v, x) => v.setUint8(0, x),
  (v) => v.getUint8(0),
);
export const u16 = fixed<number>(
  2,
  "u16",
  (v, x) => v.setUint16(0, x, true),
  (v) => v.getUint16(0, true),
);
export const u32 = fixed<number>(
  4,
  "u32",
  (v, x) => v.setUint32(0, x, true),
  (v) => v.getUint32(0, true),
);
export const i32 = fixed<number>(
  4,
  "i32",
  (v, x) => v.setInt32(0, x, true),
  (v) => v.getInt32(0, true),
);
export const u64 = fixed<bigint>(
  8,
  "u64",
  (v, x) => v.setBigUint64(0, x, true),
  (v) => v.getBigUint64(0, true),
);
export const be16 = fixed<number>(
  2,
  "be16",
  (v, x) => v.setUint16(0, x),
  (v) => v.getUint16(0),
);
export const be32 = fixed<number>(
  4,
  "be32",
  (v, x) => v.setUint32(0, x),
  (v) => v.getUint32(0),
);
export const be64 = fixed<bigint>(
  8,
  "be64",
  (v, x) => v.setBigUint64(0, x),
  (v) => v.getBigUint64(0),
);

/** Bytes as they are: hardware addresses, IP addresses in network order, data another table reads. */
export const bytes: Codec<Uint8Array> = { put: (value) => value, get: (raw) => raw.slice() };

/** Present or not; carries nothing. */
export const flag: Codec<true> = { put: () => new Uint8Array(0), get: () => true };

/** NUL-terminated text. */
export const text: Codec<string> = {
  put: (value) => new TextEncoder().encode(`${value}\0`),
  get(raw) {
    const end = raw.indexOf(0);
    return new TextDecoder().decode(end < 0 ? raw : raw.subarray(0, end));
  },
};

/** A hardware address, `02:00:00:00:00:01`. */
export const mac: Codec<string> = {
  put: (value) => Uint8Array.from(value.split(":"), (part) => Number.parseInt(part, 16)),
  get: (raw) => Array.from(raw, (byte) => byte.toString(16).padStart(2, "0")).join(":"),
};

/** A codec seen through two functions. */
export function mapped<A, B>(codec: Codec<A>, to: (value: A) => B, from: (value: B) => A): Codec<B> {
  return { put: (value) => codec.put(from(value)), get: (raw) => to(codec.get(raw)) };
}

// biome-ignore lint/suspicious/noExplicitAny: a table holds codecs of every type; what they are is inferred per entry.
type AnyCodec = Codec<any>;
type Of<C> = C extends Codec<infer T> ? T : never;

/** A C structure: fields in order, each as long as its codec writes; missing fields are zero. No padding is added. */
export function struct<F extends Record<string, Codec<number> | Codec<bigint>>>(
  fields: F,
): Codec<{ [K in keyof F]?: Of<F[K]> | undefined }> & { readonly size: number } {
  const entries = Object.entries(fields) as [string, AnyCodec][];
  const sizes = entries.map(
    ([, codec]) => codec.put(codec === (u64 as AnyCodec) || codec === (be64 as AnyCodec) ? 0n : 0).length,
  );
  const size = sizes.reduce((sum, one) => sum + one, 0);
  return {
    size,
    put(value) {
      const out = new Uint8Array(size);
      let at = 0;
      entries.forEach(([name, codec], i) => {
        const field = value[name];
        if (field !== undefined) out.set(codec.put(field), at);
        at += sizes[i]!;
      });
      return out;
    },
    get(raw) {
      if (raw.length < size) throw new WireError(`Cannot read a structure of ${size} bytes from ${raw.length}`);
      const value: Record<string, unknown> = {};
      let at = 0;
      entries.forEach(([name, codec], i) => {
        value[name] = codec.get(raw.subarray(at, at + sizes[i]!));
        at += sizes[i]!;
      });
      return value as { [K in keyof F]?: Of<F[K]> };
    },
  };
}

/** Attribute types the table does not know, as they came. */
export type Rest = ReadonlyMap<number, Uint8Array>;

export type Table = Readonly<Record<string, readonly [type: number, codec: AnyCodec]>>;
export type Values<T extends Table> = { -readonly [K in keyof T]?: Of<T[K][1]> | undefined } & { rest?: Rest };

/** A set of attributes by name. Written in the order of the table; unknown ones are kept in `rest`. */
export function attributes<T extends Table>(table: T): Codec<Values<T>> & { readonly table: T } {
  const byType = new Map(Object.entries(table).map(([name, [type, codec]]) => [type, [name, codec] as const]));
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
      for (const [type, raw] of values.rest ?? []) parts.push(attribute(type, raw));
      return joined(parts);
    },
    get(raw) {
      const values: Record<string, unknown> = {};
      const rest = new Map<number, Uint8Array>();
      for (const [type, data] of eachAttribute(raw)) {
        const known = byType.get(type);
        if (known) values[known[0]] = known[1].get(data);
        else rest.set(type, data.slice());
      }
      if (rest.size > 0) values["rest"] = rest;
      return values as Values<T>;
    },
  };
}

/** The same codec, its attribute marked NLA_F_NESTED: nf_tables wants it, rtnetlink mostly does not care. */
export function nest<C extends AnyCodec>(codec: C): C {
  return { ...codec, nested: true };
}

/** Elements that all carry the same attribute type, one after another. */
export function list<T>(type: number, element: Codec<T>): Codec<readonly T[]> {
  return {
    nested: true,
    put: (values) =>
      joined(values.map((value) => attribute(type | (element.nested ? nestedFlag : 0), element.put(value)))),
    get: (raw) => [...eachAttribute(raw)].map(([, data]) => element.get(data)),
  };
}

function attribute(type: number, data: Uint8Array): Uint8Array {
  const length = attributeHeaderBytes + data.length;
  if (length > attributeBytesMax)
    throw new WireError(`Cannot write an attribute of ${length} bytes: ${attributeBytesMax} is the most`);
  const out = new Uint8Array(aligned(length));
  const view = viewOf(out);
  view.setUint16(0, length, true);
  view.setUint16(2, type, true);
  out.set(data, attributeHeaderBytes);
  return out;
}

function* eachAttribute(raw: Uint8Array): Generator<[type: number, data: Uint8Array]> {
  let at = 0;
  while (raw.length - at >= attributeHeaderBytes) {
    const view = viewOf(raw.subarray(at));
    const length = view.getUint16(0, true);
    if (length < attributeHeaderBytes || at + length > raw.length) {
      throw new WireError(`Cannot read an attribute of ${length} bytes at ${at} of ${raw.length}`);
    }
    yield [view.getUint16(2, true) & attributeTypeMask, raw.subarray(at + attributeHeaderBytes, at + length)];
    at += aligned(length);
  }
  if (at < raw.length) throw new WireError(`Cannot read ${raw.length - at} bytes after the last attribute`);
}

/** Byte strings, one after another. */
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
