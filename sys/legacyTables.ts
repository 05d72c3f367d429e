/**
 * The tables of iptables-legacy as the kernel has them: getsockopt with IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES
 * (linux/netfilter_ipv4/ip_tables.h, linux/netfilter_ipv6/ip6_tables.h).
 */
import { ptr } from "bun:ffi";
import { c, checked, closeFile, SOCK_CLOEXEC } from "./libc.ts";

// linux/socket.h, linux/in.h, linux/in6.h
const [SOCK_RAW, IPPROTO_RAW] = [3, 255];
const families = { 4: { family: 2, level: 0 }, 6: { family: 10, level: 41 } } as const;
const [GET_INFO, GET_ENTRIES] = [64, 65];
/** struct ipt_getinfo: name, hooks, five entries, five underflows, count, size. The same for IPv6. */
const info = { bytes: 84, validHooks: 32, count: 76, size: 80 } as const;
/** struct ipt_get_entries: name, size, and the entries at the next multiple of 8. */
const entriesAt = 40;
const nameBytes = 32;

export interface LegacyTable {
  /** One bit for each built-in chain. */
  readonly validHooks: number;
  /** Entries: rules, policies, and the one that ends the table. */
  readonly count: number;
  /** struct ipt_entry or ip6t_entry, one after another. */
  readonly entries: Uint8Array;
}

/** Reads a table of the thread's namespace. Throws KernelError, ENOENT if the table does not exist. */
export function readLegacyTable(version: 4 | 6, name: string): LegacyTable {
  const { family, level } = families[version];
  const socket = checked("open a raw socket", c.socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  const ask = (option: number, answer: Uint8Array) => {
    answer.set(new TextEncoder().encode(name).subarray(0, nameBytes - 1));
    const length = Uint32Array.of(answer.length);
    checked(`read the iptables-legacy table ${name}`, c.getsockopt(socket, level, option, ptr(answer), ptr(length)));
  };
  try {
    const head = new Uint8Array(info.bytes);
    ask(GET_INFO, head);
    const numbers = new DataView(head.buffer);
    const size = numbers.getUint32(info.size, true);
    const whole = new Uint8Array(entriesAt + size);
    new DataView(whole.buffer).setUint32(nameBytes, size, true);
    ask(GET_ENTRIES, whole);
    return {
      validHooks: numbers.getUint32(info.validHooks, true),
      count: numbers.getUint32(info.count, true),
      entries: whole.slice(entriesAt),
    };
  } finally {
    closeFile(socket);
  }
}
