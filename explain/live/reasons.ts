/**
 * Meanings of the kernel's drop reasons (include/net/dropreason-core.h of Linux). The kernel itself names the reason of a drop; this is
 * the sentence for a person, and the cause of `explain` where one says the same.
 */
import type { CauseCode } from "../path/cause.ts";

interface Meaning {
  /** Follows "the kernel dropped the probe: ". */
  readonly says: string;
  /** Absent: `dropped-by-kernel`. */
  readonly code?: CauseCode;
}

const meanings: Readonly<Record<string, Meaning>> = {
  NETFILTER_DROP: { says: "a filter dropped it", code: "dropped-by-rule" },
  BPF_CGROUP_EGRESS: { says: "a BPF program of the sender's control group dropped it" },
  TC_INGRESS: { says: "a filter of tc dropped it as it came in (see: tc filter show dev … ingress)" },
  TC_EGRESS: { says: "a filter of tc dropped it as it went out (see: tc filter show dev … egress)" },
  XDP: { says: "an XDP program dropped it" },
  SECURITY_HOOK: { says: "a security module dropped it" },
  XFRM_POLICY: { says: "a policy of IPsec dropped it (see: ip xfrm policy)" },
  NO_SOCKET: { says: "no program listens there", code: "not-listening" },
  SOCKET_FILTER: { says: "a filter of the receiving socket dropped it", code: "dropped-inside" },
  SOCKET_RCVBUFF: { says: "the receive buffer of the program is full: it reads too slowly", code: "dropped-inside" },
  SOCKET_BACKLOG: { says: "the backlog of the receiving socket is full", code: "dropped-inside" },
  SOCKET_CLOSE: { says: "the receiving socket was closed", code: "not-listening" },
  TCP_LISTEN_OVERFLOW: { says: "the queue of connections is full: the program accepts none", code: "dropped-inside" },
  IP_RPFILTER: { says: "the way back to its source leads elsewhere (rp_filter)", code: "rp-filter" },
  IP_INHDR: { says: "its IP header is broken, or its time to live is over" },
  IP_CSUM: { says: "the checksum of its IP header is wrong" },
  TCP_CSUM: { says: "its TCP checksum is wrong" },
  UDP_CSUM: { says: "its UDP checksum is wrong" },
  IP_NOPROTO: { says: "nothing there takes its protocol" },
  IP_OUTNOROUTES: { says: "there is no route to its destination", code: "no-host-route" },
  IP_INNOROUTES: { says: "there is no route for it here", code: "no-host-route" },
  IP_INADDRERRORS: { says: "it may not be passed on from here: forwarding is off, or its address is not used here" },
  IP_LOCAL_SOURCE: { says: "its source is an address of this namespace itself" },
  IP_INVALID_SOURCE: { says: "its source address is one that no packet may have" },
  IP_INVALID_DEST: { says: "its destination address is one that no packet may have" },
  IP_LOCALNET: { says: "it has an address of 127.0.0.0/8 outside of lo (route_localnet is 0)" },
  UNICAST_IN_L2_MULTICAST: { says: "it came as a broadcast, but is for one address" },
  OTHERHOST: { says: "its hardware address is that of another interface", code: "wrong-neighbour" },
  NEIGH_CREATEFAIL: { says: "the table of neighbours is full (net.ipv4.neigh.default.gc_thresh3)" },
  NEIGH_FAILED: { says: "nothing answers for the address of the next hop", code: "gateway-unreachable" },
  NEIGH_QUEUEFULL: { says: "too many packets wait for the address of the next hop", code: "gateway-unreachable" },
  NEIGH_DEAD: { says: "the entry of the next hop was removed meanwhile", code: "gateway-unreachable" },
  PKT_TOO_BIG: { says: "it is longer than the MTU of the next interface", code: "mtu" },
  QDISC_DROP: { says: "the queue of the interface is full, or limits the rate" },
  QDISC_OVERLIMIT: { says: "the queue of the interface is full" },
  FULL_RING: { says: "the queue of the interface is full" },
  CPU_BACKLOG: { says: "the processor has too many packets waiting (net.core.netdev_max_backlog)" },
  DEV_READY: { says: "the interface is not up", code: "interface-down" },
  DEV_HDR: { says: "no hardware header could be made for it" },
  NOMEM: { says: "there is not enough memory" },
  UNHANDLED_PROTO: { says: "nothing there takes packets of its kind: the interface has no address, for example" },
  IPV6DISABLED: { says: "IPv6 is off there (disable_ipv6)", code: "ipv6-disabled" },
  VXLAN_VNI_NOT_FOUND: { says: "no VXLAN with its number is there" },
  VXLAN_INVALID_HDR: { says: "its VXLAN header is broken" },
  NO_TX_TARGET: { says: "the interface knows no place to send it to" },
  MAC_INVALID_SOURCE: { says: "its hardware source address is not allowed" },
  LOCAL_MAC: { says: "its hardware source address is one of the bridge itself" },
  BRIDGE_INGRESS_STP_STATE: { says: "the state of the bridge port lets nothing in", code: "port-blocked" },
  RECURSION_LIMIT: { says: "it passed too many interfaces: they lead in a circle" },
  NOT_SPECIFIED: { says: "the kernel gives no reason" },
};

/** Drops of packets that the rules had let in: others are how the kernel puts away what it has used. */
const afterRules: readonly string[] = [
  ...["NO_SOCKET", "SOCKET_FILTER", "SOCKET_RCVBUFF", "SOCKET_BACKLOG", "SOCKET_CLOSE", "TCP_LISTEN_OVERFLOW"],
  ...["TCP_CSUM", "UDP_CSUM", "ICMP_CSUM", "PROTO_MEM", "IP_NOPROTO", "TCP_MINTTL", "TCP_OVERWINDOW"],
];

/** True if nothing was lost: a socket that closes puts away what had come to it, or what the other end had confirmed. */
export const isNoLoss = (reason: string): boolean => reason === "QUEUE_PURGE";

/** True if a packet with this reason was lost, though the rules had let it in. */
export const isLostAfterRules = (reason: string): boolean => afterRules.includes(reason);

/** A reason of the kernel for a person. Newer kernels have reasons that are not in the table: their names are English words. */
export function meaningOf(reason: string): Required<Meaning> {
  const { says, code = "dropped-by-kernel" } = meanings[reason] ?? {
    says: reason.toLowerCase().replaceAll("_", " "),
  };
  return { says, code };
}
