/**
 * Messages and their frames (linux/netlink.h, struct nlmsghdr). Framing is the package `netlink`'s, which costs nothing
 * at start-up; attributes are ours, since its writer drops NLA_F_NESTED.
 */
import { formatHeader, HEADER_LENGTH, parseMessages } from "netlink/dist/structs.js";
import { aligned, joined, viewOf, WireError } from "./codec.ts";

export const flags = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  echo: 0x8,
  dumpInterrupted: 0x10,
  /** On GET. */
  dump: 0x300,
  /** On NEW: fail when it exists; make when it does not; replace; add behind. */
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
  /** On an error: the request is not echoed whole; attributes follow. */
  capped: 0x100,
  ackAttributes: 0x200,
} as const;

export const controlType = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

/** A request before it has a sequence number. */
export interface Message {
  /** What it asks, in words that follow "Cannot": `create veth nsv0123`. */
  readonly what: string;
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

/** A message as it came. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** One message with its header, padded. */
export function framed(message: Message, sequence: number): Uint8Array {
  const length = HEADER_LENGTH + message.payload.length;
  const header = formatHeader({
    length,
    type: message.type,
    flags: message.flags | flags.request,
    seq: sequence,
    port: 0,
  });
  return joined([header, message.payload, new Uint8Array(aligned(length) - length)]);
}

/** All messages of one datagram. Throws WireError. */
export function frames(datagram: Uint8Array): Frame[] {
  try {
    return parseMessages(Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength)).map((frame) => ({
      type: frame.type,
      flags: frame.flags,
      sequence: frame.seq,
      payload: plain(frame.data),
    }));
  } catch (error) {
    throw new WireError(`Cannot read a netlink datagram of ${datagram.length} bytes: ${(error as Error).message}`);
  }
}

const ackTextAttribute = 1;

/** The number (positive errno, 0 for an acknowledgement) and the kernel's words in an NLMSG_ERROR. */
export function acknowledgement(frame: Frame): { readonly errno: number; readonly text: string } {
  if (frame.payload.length < 4) throw new WireError(`Cannot read an acknowledgement of ${frame.payload.length} bytes`);
  const errno = -viewOf(frame.payload).getInt32(0, true);
  if (!(frame.flags & flags.ackAttributes) || frame.payload.length < 4 + HEADER_LENGTH) return { errno, text: "" };
  const requestLength = frame.flags & flags.capped ? HEADER_LENGTH : viewOf(frame.payload).getUint32(4, true);
  return { errno, text: ackText(frame.payload.subarray(4 + aligned(requestLength))) };
}

function ackText(attributes: Uint8Array): string {
  for (let at = 0; at + 4 <= attributes.length; ) {
    const view = viewOf(attributes.subarray(at));
    const length = view.getUint16(0, true);
    if (length < 4 || at + length > attributes.length) return "";
    if (view.getUint16(2, true) === ackTextAttribute) {
      return new TextDecoder().decode(attributes.subarray(at + 4, at + length - 1));
    }
    at += aligned(length);
  }
  return "";
}

/** A Buffer as the Uint8Array it is: `slice` of the one shares memory, of the other copies. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
