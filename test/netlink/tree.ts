/**
 * Netlink attributes as a comparable tree, by an independent reader of a few lines: the order of attributes has no
 * meaning, and programs differ in it. Layout: linux/netlink.h, struct nlattr.
 */
import { golden } from "../support/golden.ts";

/**
 * Which attributes contain attributes, where no flag marks them (rtnetlink sets none). `skip`: the length of a header
 * before them.
 */
export interface Shape {
  readonly skip?: number;
  readonly [type: number]: Shape;
}

interface WireMessage {
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

const nestedFlag = 0x8000;
const headerBytes = 16;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/**
 * `{ "3": "657468…" }`. A nested attribute is an object, with `!` in its key if it carries the flag. Repeated types are
 * a list.
 */
export function tree(bytes: Uint8Array, shape: Shape = {}): object {
  const found: Record<string, unknown> = {};
  const { skip = 0 } = shape;
  if (skip > 0) found.header = hex(bytes.subarray(0, skip));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = skip; at + 4 <= bytes.length; ) {
    const [length, type] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (length < 4 || at + length > bytes.length) throw new Error(`no attribute at ${at} of ${hex(bytes)}`);
    const data = bytes.subarray(at + 4, at + length);
    const isFlagged = (type & nestedFlag) !== 0;
    const inner = shape[type & ~nestedFlag] ?? (isFlagged ? {} : undefined);
    const key = `${type & ~nestedFlag}${isFlagged ? "!" : ""}`;
    const value = inner ? tree(data, inner) : hex(data);
    const before = found[key];
    found[key] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
    at += (length + 3) & ~3;
  }
  return found;
}

function wireMessage(bytes: Uint8Array): WireMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    type: view.getUint16(4, true),
    flags: view.getUint16(6, true),
    payload: bytes.subarray(headerBytes, view.getUint32(0, true)),
  };
}

/** Types 0x10 and 0x11 are begin and end of a batch in nf_tables, and links in rtnetlink. */
const isRtnetlink = (command: string) => /^(ip|bridge|tc) /.test(command);

/** The messages of a capture, without the begin and end of an nf_tables batch. */
export const captured = (name: string): WireMessage[] =>
  golden(name)
    .messages.map(wireMessage)
    .filter(({ type }) => type !== 0x10 || isRtnetlink(golden(name).command))
    .filter(({ type }) => type !== 0x11 || isRtnetlink(golden(name).command));
