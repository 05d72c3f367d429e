/**
 * Sockets that receive, by NETLINK_SOCK_DIAG (linux/inet_diag.h, sock_diag(7)). /proc/net/tcp says the same, but walks
 * every connection of the host to find the few that listen.
 */
import { attributes, be16, bytes, struct, u8, u32 } from "../codec.ts";
import { addressFamily } from "../route/address.ts";
import type { NetlinkSocket } from "../socket.ts";

/** The number of the protocol, for the socket that asks. */
export const socketDiagnosis = 4;

/** SOCK_DIAG_BY_FAMILY */
const byFamily = 20;

/** IPPROTO_* */
const protocols = { tcp: 6, udp: 17, sctp: 132 } as const;

/** TCP_LISTEN; for UDP, TCP_CLOSE: a socket that is bound and not connected. As bits of a mask. */
const states = { tcp: 1 << 10, udp: 1 << 7, sctp: 1 << 10 } as const;

/** struct inet_diag_req_v2, without struct inet_diag_sockid, which stays zero: every socket. */
const request = struct({ family: u8, protocol: u8, extensions: u8, padding: u8, states: u32 });
const socketIdBytes = 48;

/** The beginning of struct inet_diag_msg; the addresses and seven numbers follow. */
const answer = struct({ family: u8, state: u8, timer: u8, retransmits: u8, sourcePort: be16, destinationPort: be16 });
const inodeAt = 68;
/** struct inet_diag_msg; the attributes follow. INET_DIAG_SKV6ONLY. */
const answerBytes = 72;
const answerAttributes = attributes({ ipv6Only: [11, u8] });

export interface Listening {
  readonly port: number;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** The socket's inode, as /proc/PID/fd shows it. */
  readonly inode: number;
  /** True for an IPv6 socket that receives no IPv4 (IPV6_V6ONLY). */
  readonly isIpv6Only: boolean;
}

/** The sockets of the namespace that `socket` belongs to. Throws KernelError ENOENT if the kernel lacks the module. */
export function listeningSockets(socket: NetlinkSocket, protocol: keyof typeof protocols): Listening[] {
  return Object.values(addressFamily).flatMap((family) => {
    const asked = request.put({ family, protocol: protocols[protocol], states: states[protocol] });
    const payload = new Uint8Array(request.size + socketIdBytes);
    payload.set(asked);
    const message = { what: `list ${protocol} sockets`, type: byFamily, flags: 0, payload };
    return socket.dump(message).map(({ payload: raw }) => {
      const { sourcePort = 0 } = answer.get(raw);
      const length = family === addressFamily[4] ? 4 : 16;
      const address = bytes.get(raw.subarray(answer.size, answer.size + length));
      const isIpv6Only = answerAttributes.get(raw.subarray(answerBytes)).ipv6Only === 1;
      return { port: sourcePort, address, inode: u32.get(raw, inodeAt), isIpv6Only };
    });
  });
}
