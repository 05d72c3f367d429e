/**
 * Reads netlink messages from a log of `strace -v -e write=all`: the bytes from its hex dump, the names from its
 * decoder.
 */
export interface SentMessage {
  readonly bytes: Uint8Array;
  /** Attributes in order, with the names that strace gives them. It does not decode all nests. */
  readonly named: readonly { readonly length: number; readonly name: string }[];
}

/** One system call: its line and the bytes that it wrote. */
interface Sent {
  readonly line: string;
  readonly bytes: number[];
}

function systemCalls(log: string): Sent[] {
  const calls: Sent[] = [];
  for (const line of log.split("\n")) {
    const dump = /^ \| [0-9a-f]{5} {2}((?:[0-9a-f]{2} {1,2}){1,16})/.exec(line);
    if (dump) {
      const bytes = dump[1]!.trim().split(/\s+/);
      calls.at(-1)?.bytes.push(...bytes.map((byte) => Number.parseInt(byte, 16)));
    } else if (/\b(sendto|sendmsg)\(/.test(line)) {
      calls.push({ line, bytes: [] });
    }
  }
  return calls;
}

export function splitMessages(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true);
    if (length < 16 || at + length > bytes.length) throw new Error(`no netlink message at byte ${at}`);
    messages.push(bytes.subarray(at, at + length));
    at += (length + 3) & ~3;
  }
  return messages;
}

export function sentMessages(log: string): SentMessage[] {
  return systemCalls(log).flatMap(({ line, bytes }) => {
    const described = line.split("{nlmsg_len=").slice(1);
    return splitMessages(Uint8Array.from(bytes)).map((message, i) => ({
      bytes: message,
      named: [...(described[i] ?? "").matchAll(/\{nla_len=(\d+), nla_type=([^}]*)\}/g)].map((match) => ({
        length: Number(match[1]),
        name: match[2]!,
      })),
    }));
  });
}
