/** Echo requests (ping) over raw sockets: RFC 792 and RFC 4443. They need CAP_NET_RAW in the network namespace. */
import { ptr } from "bun:ffi";
import { errno, KernelError } from "./errors.ts";
import { c, checked, closeFile, lastErrno, SOCK_CLOEXEC } from "./libc.ts";
import { connectTo } from "./sysRare.ts";

// linux/socket.h, linux/in.h, linux/in6.h, linux/icmp.h, linux/icmpv6.h
const [AF_INET, AF_INET6, SOCK_RAW, SOCK_NONBLOCK] = [2, 10, 3, 0o4000];
const ipv4 = { protocol: 1, request: 8, reply: 0, headerBytes: 20 } as const;
const ipv6 = { protocol: 58, request: 128, reply: 129, headerBytes: 40 } as const;
const [IPPROTO_IP, IPPROTO_IPV6, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_DO] = [0, 41, 10, 23, 2];
const MSG_DONTWAIT = 0x40;
const icmpHeaderBytes = 8;
const usualBytes = 64;

/** An open socket that pings one address. It belongs to the network namespace in which it was opened. */
export interface Pinger extends Disposable {
  /** Sends a request. Throws KernelError, for example EMSGSIZE for a packet that is longer than the interface's MTU. */
  send(sequence: number): void;
  /** True if an answer to one of the requests came. */
  hasAnswer(): boolean;
}

/**
 * `address` has 4 or 16 bytes. `length` is that of the whole IP packet, which then has the don't-fragment bit.
 * Throws KernelError, for example ENETUNREACH without a route.
 */
export function openPinger(address: Uint8Array, length?: number): Pinger {
  const isIpv4 = address.length === 4;
  const kind = isIpv4 ? ipv4 : ipv6;
  const type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const socket = checked("open a raw socket", c.socket(isIpv4 ? AF_INET : AF_INET6, type, kind.protocol));
  const identifier = identifierOf(socket);
  const bytes = Math.max(icmpHeaderBytes, (length ?? usualBytes) - kind.headerBytes);
  try {
    if (length !== undefined) {
      const [level, name] = isIpv4 ? [IPPROTO_IP, IP_MTU_DISCOVER] : [IPPROTO_IPV6, IPV6_MTU_DISCOVER];
      checked("set don't-fragment", c.setsockopt(socket, level, name, ptr(new Int32Array([PMTUDISC_DO])), 4));
    }
    connectTo(socket, address);
  } catch (error) {
    closeFile(socket);
    throw error;
  }
  const buffer = new Uint8Array(65_536);
  return {
    send(sequence) {
      const packet = requestOf(kind.request, identifier, sequence, bytes);
      if (Number(c.send(socket, ptr(packet), packet.length, 0)) < 0)
        throw new KernelError("send an echo request", lastErrno());
    },
    hasAnswer() {
      for (;;) {
        const got = Number(c.recv(socket, ptr(buffer), buffer.length, MSG_DONTWAIT));
        if (got < 0 && lastErrno() !== errno.EAGAIN) continue; // an ICMP error that came for the socket: read on
        if (got < 0) return false;
        // A raw IPv4 socket gets the IP header, whose length is in its first byte.
        const start = isIpv4 ? (buffer[0]! & 0x0f) * 4 : 0;
        const [reply, high, low] = [buffer[start], buffer[start + 4], buffer[start + 5]];
        if (reply === kind.reply && ((high! << 8) | low!) === identifier) return true;
      }
    },
    [Symbol.dispose]: () => closeFile(socket),
  };
}

/** Sockets of one process have different descriptors at the same time. */
const identifierOf = (socket: number) => (process.pid * 31 + socket) & 0xffff;

/** Type, code 0, checksum, identifier, sequence number, and zeros. The kernel fills in the checksum for IPv6. */
function requestOf(type: number, identifier: number, sequence: number, bytes: number): Uint8Array {
  const packet = new Uint8Array(bytes);
  packet.set([type, 0, 0, 0, identifier >> 8, identifier & 0xff, (sequence >> 8) & 0xff, sequence & 0xff]);
  if (type === ipv4.request) {
    const sum = checksumOf(packet);
    packet.set([sum >> 8, sum & 0xff], 2);
  }
  return packet;
}

/** RFC 1071: the complement of the sum of 16-bit words, with the carry added. */
function checksumOf(packet: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < packet.length; i += 2) sum += (packet[i]! << 8) | (packet[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
