/** Asks the kernel which way it would send a packet: RTM_GETROUTE with the packet's own fields. RTA_* (linux/rtnetlink.h). */
import { KernelError } from "../../sys/errors.ts";
import { attributes, be16, bytes, joined, nest, u8, u32 } from "../codec.ts";
import type { NetlinkSocket } from "../socket.ts";
import { familyOfBytes } from "./address.ts";
import { routeHeader, routeType } from "./route.ts";

/** RTM_F_LOOKUP_TABLE: the answer names the table. For IPv6 it does so always, and the kernel refuses the flag. */
const lookUpTable = 0x1000;

/** RTCF_REDIRECTED (linux/in_route.h): a router said by ICMP that another one is nearer. The kernel says so for IPv4 alone. */
const redirected = 0x40000;

const routeAttributes = attributes({
  destination: [1, bytes],
  source: [2, bytes],
  inputIndex: [3, u32],
  outputIndex: [4, u32],
  gateway: [5, bytes],
  preferredSource: [7, bytes],
  metrics: [8, nest(attributes({ mtu: [2, u32] }))],
  table: [15, u32],
  mark: [16, u32],
  /** RTA_VIA: a gateway of the other family; struct rtvia: a family, then the address. */
  via: [18, bytes],
  protocol: [27, u8],
  sourcePort: [28, be16],
  destinationPort: [29, be16],
});

/** RTN_*. */
export const routeAnswerKind = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
} as const;

export interface RouteQuestion {
  /** 4 or 16 bytes. */
  readonly destination: Uint8Array;
  readonly source?: Uint8Array | undefined;
  /** The link by which the packet comes; absent for a packet of this namespace. */
  readonly inputIndex?: number | undefined;
  readonly mark?: number | undefined;
}

export interface RouteAnswer {
  /** RTN_*. */
  readonly kind: number;
  readonly outputIndex: number;
  readonly gateway: Uint8Array | undefined;
  readonly preferredSource: Uint8Array | undefined;
  readonly mtu: number | undefined;
  readonly table: number;
  /** No route of a table: another router asked for it. */
  readonly isRedirected: boolean;
}

/** The route, or the errno by which the kernel refuses: ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL. */
export function askRoute(socket: NetlinkSocket, question: RouteQuestion): RouteAnswer | { readonly errno: number } {
  const { destination, source, inputIndex, mark } = question;
  const head = routeHeader.put({
    family: familyOfBytes(destination),
    dstLength: 8 * destination.length,
    srcLength: source ? 8 * source.length : 0,
    flags: destination.length === 4 ? lookUpTable : 0,
  });
  const payload = joined([head, routeAttributes.put({ destination, source, inputIndex, mark: mark || undefined })]);
  try {
    const frame = socket.lookUp({ what: "look up a route", type: routeType.get, flags: 0, payload })!;
    const { kind = 0, table: small = 0, flags = 0 } = routeHeader.get(frame.payload);
    const found = routeAttributes.get(frame.payload.subarray(routeHeader.size));
    const { outputIndex = 0, gateway, via, preferredSource, metrics, table = small } = found;
    const isRedirected = (flags & redirected) !== 0;
    const way = { outputIndex, gateway: gateway ?? via?.slice(2), preferredSource, mtu: metrics?.mtu };
    return { kind, ...way, table, isRedirected };
  } catch (error) {
    if (error instanceof KernelError) return { errno: error.errno };
    throw error;
  }
}
