/** Formats a message for reading: header, family header, then a row an attribute, indented by nesting. */
import type { SentMessage } from "./strace.ts";

const headerLength = 16;
const nested = 0x8000;

/** Bytes of the fixed part after the netlink header: ifinfomsg, ifaddrmsg, rtmsg, ndmsg, fib_rule_hdr, tcmsg. */
const familyLengths = new Map([
  [16, 16],
  [20, 8],
  [24, 12],
  [28, 12],
  [32, 12],
  [36, 20],
  [44, 20],
]);

const align = (length: number) => (length + 3) & ~3;

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** In nf_tables, begin and end of a batch have the numbers of RTM_NEWLINK and RTM_DELLINK. Their length differs. */
function familyLength(type: number, length: number): number {
  if (type >= 256 || length === 20) return 4;
  return familyLengths.get(type - (type % 4)) ?? 4;
}

/** True if the bytes are a chain of attributes to the end. */
function isChain(view: DataView, from: number, to: number): boolean {
  let at = from;
  while (at + 4 <= to) {
    const length = view.getUint16(at, true);
    const type = view.getUint16(at + 2, true) & 0x3fff;
    if (length < 4 || at + length > to || type === 0 || type > 255) return false;
    at += align(length);
  }
  return from < to && at >= to;
}

/** Length of the ifinfomsg before the attributes of a veth's peer. */
const peerHeader = 16;

/** Attributes that may be nested. Others may only look like a chain. */
const mayNest = /LINKINFO|INFO_DATA|INFO_SLAVE_DATA|PROTINFO|AF_SPEC|METRICS|TCA_OPTIONS|^\d+$/;

export function annotate({ bytes, named }: SentMessage): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint16(4, true);
  const names = [...named];
  const rows: string[] = [];
  const row = (depth: number, from: number, to: number, comment = "") => {
    const lead = "  ".repeat(depth + 1);
    const text = [];
    for (let at = from; at < to; at += 16) text.push(lead + hex(bytes.subarray(at, Math.min(at + 16, to))));
    if (comment !== "" && text.length > 0) text[0] = `${text[0]!.padEnd(58)}  # ${comment}`;
    rows.push(...text);
  };

  const attributes = (from: number, to: number, depth: number, fromStrace: boolean) => {
    for (let at = from; at + 4 <= to; ) {
      const length = view.getUint16(at, true);
      const end = Math.min(at + align(length), to);
      const number = view.getUint16(at + 2, true);
      const known = fromStrace && names[0]?.length === length ? names.shift() : undefined;
      const name = known?.name.match(/[A-Z]+X?_[A-Z0-9_]+$/)?.[0] ?? `${number & 0x3fff}`;
      const guess = mayNest.test(name) && length > 8;
      const inner = (number & nested) !== 0 || (guess && isChain(view, at + 4, at + length)) ? at + 4 : 0;
      const peer = guess && inner === 0 && isChain(view, at + 4 + peerHeader, at + length) ? at + 4 + peerHeader : 0;
      if (inner + peer === 0) row(depth, at, end, name);
      else {
        row(depth, at, inner || peer, name);
        attributes(inner || peer, at + length, depth + 1, known !== undefined && names[0] !== undefined);
      }
      at = end;
    }
  };

  const flags = view.getUint16(6, true).toString(16);
  row(0, 0, headerLength, `length ${bytes.length}, type ${type}, flags 0x${flags}`);
  const body = headerLength + familyLength(type, bytes.length);
  row(0, headerLength, Math.min(body, bytes.length));
  attributes(body, bytes.length, 0, true);
  return rows;
}
