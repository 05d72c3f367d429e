/**
 * Messages and their frames (linux/netlink.h, struct nlmsghdr). The package `netlink` has them, too, but loading its
 * `structs` takes 0.33 ms, a thirtieth of an ADD. Tests compare these with it, and debug.ts decodes by it.
 */
import { aligned, readU32, WireError, writeU32 } from "./codec.ts";

export const flags = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  echo: 0x8,
  dumpInterrupted: 0x10,
  /** With GET. */
  dump: 0x300,
  /** With NEW: replace it if it exists; fail if it exists; create it if not; append. */
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
  /** In an error: the request is not repeated whole; attributes follow. */
  capped: 0x100,
  ackAttributes: 0x200,
} as const;

export const controlType = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

/** A request without its sequence number. */
export interface Message {
  /** The request in words that follow "Cannot": `create veth nsv0123`. */
  readonly what: string;
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  /** The errno by which the kernel says that the thing does not exist. It is then no error. */
  readonly absent?: number;
  /** The kernel answers only when all readers of a link have ended, which takes 20 ms and more: always, or if this link exists. */
  readonly waits?: "always" | { readonly ifExists: string | number };
}

/** A message as received. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** struct nlmsghdr: length u32, type u16, flags u16, sequence u32, port u32. */
const headerBytes = 16;

/** Messages with their headers, numbered from `first`, each padded, one after another. */
export function framed(messages: readonly Message[], first: number): Uint8Array {
  let length = 0;
  for (const { payload } of messages) length += headerBytes + aligned(payload.length);
  const out = new Uint8Array(length);
  let at = 0;
  for (let i = 0; i < messages.length; i++) {
    const { type, flags: messageFlags, payload } = messages[i]!;
    writeU32(out, at, headerBytes + payload.length);
    writeU32(out, at + 4, type | ((messageFlags | flags.request) << 16));
    writeU32(out, at + 8, first + i);
    out.set(payload, at + headerBytes);
    at += headerBytes + aligned(payload.length);
  }
  return out;
}

/** All messages of one datagram. Throws WireError. */
export function frames(datagram: Uint8Array): Frame[] {
  const found: Frame[] = [];
  for (let at = 0; at < datagram.length; ) {
    const left = datagram.length - at;
    const length = left < headerBytes ? 0 : readU32(datagram, at);
    if (length < headerBytes || length > left) {
      throw new WireError(
        `Cannot read a netlink message of ${length} bytes from the ${left} that are left of a datagram`,
      );
    }
    found.push({
      type: readU32(datagram, at + 4) & 0xffff,
      flags: readU32(datagram, at + 4) >>> 16,
      sequence: readU32(datagram, at + 8),
      payload: datagram.subarray(at + headerBytes, at + length),
    });
    at += aligned(length);
  }
  return found;
}

const ackTextAttribute = 1;

/** The errno (positive; 0 for an acknowledgement) and the kernel's explanation in an NLMSG_ERROR. */
export function acknowledgement(frame: Frame): { readonly errno: number; readonly text: string } {
  if (frame.payload.length < 4) throw new WireError(`Cannot read an acknowledgement of ${frame.payload.length} bytes`);
  const errno = -(readU32(frame.payload, 0) | 0);
  if (!(frame.flags & flags.ackAttributes) || frame.payload.length < 4 + headerBytes) return { errno, text: "" };
  const requestLength = frame.flags & flags.capped ? headerBytes : readU32(frame.payload, 4);
  return { errno, text: ackText(frame.payload.subarray(4 + aligned(requestLength))) };
}

function ackText(attributes: Uint8Array): string {
  for (let at = 0; at + 4 <= attributes.length; ) {
    const header = readU32(attributes, at);
    const length = header & 0xffff;
    if (length < 4 || at + length > attributes.length) return "";
    if (header >>> 16 === ackTextAttribute) {
      return new TextDecoder().decode(attributes.subarray(at + 4, at + length - 1));
    }
    at += aligned(length);
  }
  return "";
}
