/**
 * The part of D-Bus's wire format that firewalld needs: calls with strings, answers with a string or a boolean.
 * https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol
 */

export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly texts: readonly string[];
}

export interface Received {
  readonly type: "return" | "error" | "other";
  /** The serial number of the answered call. */
  readonly answers: number;
  readonly errorName?: string | undefined;
  /** The first value of the body, if it is a string or a boolean. */
  readonly value?: string | boolean | undefined;
}

const littleEndian = 0x6c;
const version = 1;
const messageType = { call: 1, return: 2, error: 3 } as const;
/** A call must not start the service. */
const noAutoStart = 0x2;
const fieldCode = {
  path: 1,
  interface: 2,
  member: 3,
  errorName: 4,
  replySerial: 5,
  destination: 6,
  signature: 8,
} as const;
const headBytes = 16;

const aligned = (length: number, to: number) => Math.ceil(length / to) * to;

class Writer {
  readonly bytes: number[] = [];

  align(to: number): void {
    while (this.bytes.length % to !== 0) this.bytes.push(0);
  }

  u32(value: number): void {
    this.align(4);
    this.bytes.push(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
  }

  text(value: string): void {
    const encoded = new TextEncoder().encode(value);
    this.u32(encoded.length);
    this.bytes.push(...encoded, 0);
  }

  signature(value: string): void {
    this.bytes.push(value.length, ...new TextEncoder().encode(value), 0);
  }

  field(code: number, kind: "s" | "o" | "g", value: string): void {
    this.align(8);
    this.bytes.push(code);
    this.signature(kind);
    if (kind === "g") this.signature(value);
    else this.text(value);
  }
}

export function encodeCall(call: Call, serial: number): Uint8Array {
  const body = new Writer();
  for (const one of call.texts) body.text(one);
  // An array's length excludes the padding before its first element; at offset 16 there is none.
  const fields = new Writer();
  fields.field(fieldCode.path, "o", call.path);
  fields.field(fieldCode.interface, "s", call.interface);
  fields.field(fieldCode.member, "s", call.member);
  fields.field(fieldCode.destination, "s", call.destination);
  if (call.texts.length > 0) fields.field(fieldCode.signature, "g", "s".repeat(call.texts.length));
  const whole = new Writer();
  whole.bytes.push(littleEndian, messageType.call, noAutoStart, version);
  whole.u32(body.bytes.length);
  whole.u32(serial);
  whole.u32(fields.bytes.length);
  whole.bytes.push(...fields.bytes);
  whole.align(8);
  whole.bytes.push(...body.bytes);
  return Uint8Array.from(whole.bytes);
}

/** Length of the whole message in bytes, by its first 16 bytes; undefined if there are fewer. */
export function messageLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < headBytes) return undefined;
  const { u32 } = reader(bytes);
  return headBytes + aligned(u32(12), 8) + u32(4);
}

export function decodeMessage(bytes: Uint8Array): Received {
  const { u32, text } = reader(bytes);
  const end = headBytes + u32(12);
  let answers = 0;
  let errorName: string | undefined;
  let signature = "";
  for (let at = headBytes; at < end; ) {
    at = aligned(at, 8);
    const [code, kind] = [bytes[at], String.fromCharCode(bytes[at + 2]!)];
    at += 4; // the code, and a signature of one letter with its length and NUL
    if (kind === "g") {
      const length = bytes[at]!;
      if (code === fieldCode.signature) signature = String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length));
      at += length + 2;
    } else if (kind === "u") {
      if (code === fieldCode.replySerial) answers = u32(at);
      at += 4;
    } else {
      const value = text(at);
      if (code === fieldCode.errorName) errorName = value;
      at += 4 + u32(at) + 1;
    }
  }
  const body = aligned(end, 8);
  const type = bytes[1] === messageType.return ? "return" : bytes[1] === messageType.error ? "error" : "other";
  return {
    type,
    answers,
    errorName,
    value: signature.startsWith("s") ? text(body) : signature.startsWith("b") ? u32(body) !== 0 : undefined,
  };
}

/** Reads in the message's own byte order. */
function reader(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number) => view.getUint32(at, bytes[0] === littleEndian);
  const text = (at: number) => new TextDecoder().decode(bytes.subarray(at + 4, at + 4 + u32(at)));
  return { u32, text };
}
