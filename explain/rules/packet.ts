/**
 * A packet as the rules see it: the bytes of its headers, and what the kernel keeps beside them. Offsets: RFC 791 (IPv4),
 * RFC 8200 (IPv6), RFC 9293 (TCP), RFC 768 (UDP).
 */

/** A link that a packet came by or leaves by. */
export interface Device {
  readonly name: string;
  readonly index: number;
  readonly group: number;
  /** IFLA_INFO_KIND, `veth`; undefined for hardware and lo. */
  readonly kind: string | undefined;
  /** ARPHRD_*: 1 Ethernet, 772 loopback; undefined where it was not read. */
  readonly type?: number | undefined;
}

export interface Packet {
  /** The Ethernet header; undefined for a packet of this machine that no link has sent yet. */
  readonly link: Uint8Array | undefined;
  /** The header of IPv4 or IPv6, or the whole message of ARP. */
  readonly network: Uint8Array;
  /** The header of TCP, UDP or ICMP, and maybe the bytes behind it. Empty for ARP. */
  readonly transport: Uint8Array;
  /** Bytes from the network header on, also those that `transport` does not have. */
  readonly length: number;
  readonly mark: number;
  /** PACKET_* of linux/if_packet.h: 0 to this host, 1 broadcast, 2 multicast, 3 to another host. */
  readonly kind: number;
}

export const packetKind = { host: 0, broadcast: 1, multicast: 2, otherHost: 3 } as const;

/** ETH_P_*. */
export const etherType = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;

/** IPPROTO_*. */
export const protocolNumber = { icmp: 1, tcp: 6, udp: 17, icmp6: 58, sctp: 132 } as const;

/** ARP over Ethernet for IPv4 (RFC 826). */
export const arpBytes = 28;

/** 4 or 6; undefined for a packet that is not of IP. */
export function versionOf({ network }: Packet): 4 | 6 | undefined {
  if (network.length === arpBytes) return undefined;
  const version = (network[0] ?? 0) >> 4;
  return version === 4 || version === 6 ? version : undefined;
}

export function etherTypeOf(packet: Packet): number {
  const version = versionOf(packet);
  return version === 4 ? etherType.ipv4 : version === 6 ? etherType.ipv6 : etherType.arp;
}

/** IPPROTO_* of the header behind that of IP; undefined for a packet without one. */
export function protocolOf(packet: Packet): number | undefined {
  const version = versionOf(packet);
  return version === undefined ? undefined : packet.network[version === 4 ? 9 : 6];
}

const addressAt = { 4: { source: 12, destination: 16, length: 4 }, 6: { source: 8, destination: 24, length: 16 } };

export type Side = "source" | "destination";

/** The address in 4 or 16 bytes; empty for a packet that is not of IP. */
export function addressOf(packet: Packet, side: Side): Uint8Array {
  const version = versionOf(packet);
  if (version === undefined) return new Uint8Array(0);
  const { [side]: at, length } = addressAt[version];
  return packet.network.slice(at, at + length);
}

/** True for the protocols whose header begins with two ports. */
export function hasPorts(packet: Packet): boolean {
  const { tcp, udp, sctp } = protocolNumber;
  const protocol = protocolOf(packet);
  return protocol === tcp || protocol === udp || protocol === sctp;
}

/** 0 for a protocol without ports. */
export function portOf(packet: Packet, side: Side): number {
  const at = side === "source" ? 0 : 2;
  return hasPorts(packet) ? (packet.transport[at]! << 8) | packet.transport[at + 1]! : 0;
}

export interface End {
  readonly address: Uint8Array;
  readonly port: number;
}

export function endOf(packet: Packet, side: Side): End {
  return { address: addressOf(packet, side), port: portOf(packet, side) };
}

/** The packet with another address and port on one side. Checksums are not kept. */
export function withEnd(packet: Packet, side: Side, { address, port }: End): Packet {
  const version = versionOf(packet);
  if (version === undefined) return packet;
  const network = packet.network.slice();
  network.set(address, addressAt[version][side]);
  if (!hasPorts(packet)) return { ...packet, network };
  const transport = packet.transport.slice();
  const at = side === "source" ? 0 : 2;
  transport[at] = port >> 8;
  transport[at + 1] = port;
  return { ...packet, network, transport };
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export const sameEnd = (a: End, b: End): boolean => a.port === b.port && sameBytes(a.address, b.address);
