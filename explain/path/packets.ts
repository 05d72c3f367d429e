/** The first packet of a question, and the first answer to it. */
import { addressOf, type Packet, packetKind, protocolNumber, sameBytes, versionOf } from "../rules/packet.ts";

export type AskedProtocol = "tcp" | "udp" | "icmp";

/** An address of documentation (RFC 5737, RFC 3849): the default route leads to it. */
export const farAway = {
  4: Uint8Array.of(203, 0, 113, 1),
  6: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
};

/** True for the example address of the outside. */
export const isFarAway = (address: Uint8Array) => sameBytes(address, farAway[address.length === 4 ? 4 : 6]);

/** One of the ports that the kernel gives to clients. */
const clientPort = 45_678;
const ttl = 64;
const tcpFlag = { syn: 0x02, ack: 0x10 } as const;
const echo = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;

/** `destinationPort` is 0 for a ping. */
export function firstPacket(
  protocol: AskedProtocol,
  source: Uint8Array,
  destination: Uint8Array,
  destinationPort: number,
): Packet {
  const version = source.length === 4 ? 4 : 6;
  const number =
    protocol === "icmp" ? (version === 4 ? protocolNumber.icmp : protocolNumber.icmp6) : protocolNumber[protocol];
  const ports = [clientPort >> 8, clientPort & 0xff, destinationPort >> 8, destinationPort & 0xff];
  const transport = {
    icmp: () => Uint8Array.of(echo[version].request, 0, 0, 0, 0, 1, 0, 1),
    udp: () => Uint8Array.of(...ports, 0, 8, 0, 0),
    tcp: () => Uint8Array.of(...ports, ...new Array<number>(8).fill(0), 0x50, tcpFlag.syn, 0xff, 0xff, 0, 0, 0, 0),
  }[protocol]();
  const network = networkHeader(source, destination, number, transport.length);
  const length = network.length + transport.length;
  return { link: undefined, network, transport, length, mark: 0, kind: packetKind.host };
}

function networkHeader(source: Uint8Array, destination: Uint8Array, protocol: number, bytes: number): Uint8Array {
  if (source.length === 16) return Uint8Array.of(0x60, 0, 0, 0, 0, bytes, protocol, ttl, ...source, ...destination);
  return Uint8Array.of(0x45, 0, 0, 20 + bytes, 0, 1, 0x40, 0, ttl, protocol, 0, 0, ...source, ...destination);
}

/** "Fragmentation needed" (RFC 792), "packet too big" (RFC 4443). */
const tooBig = { 4: [3, 4], 6: [2, 0] } as const;

/** The report of a router at `source` that the packet is too big, to its sender. It ends with the packet's beginning. */
export function reportOf(packet: Packet, source: Uint8Array): Packet {
  const version = source.length === 4 ? 4 : 6;
  const number = version === 4 ? protocolNumber.icmp : protocolNumber.icmp6;
  const transport = Uint8Array.of(...tooBig[version], 0, 0, 0, 0, 0, 0, ...packet.network);
  const network = networkHeader(source, addressOf(packet, "source"), number, transport.length);
  return {
    ...{ link: undefined, network, transport, mark: 0, kind: packetKind.host },
    length: network.length + transport.length,
  };
}

/** The answer of the side where the packet arrived. */
export function answerTo(packet: Packet): Packet {
  const version = versionOf(packet) === 4 ? 4 : 6;
  const network = packet.network.slice();
  const length = version === 4 ? 4 : 16;
  const at = version === 4 ? 12 : 8;
  network.set(addressOf(packet, "destination"), at);
  network.set(addressOf(packet, "source"), at + length);
  network[version === 4 ? 8 : 7] = ttl;
  const protocol = network[version === 4 ? 9 : 6];
  const transport = packet.transport.slice();
  if (protocol === protocolNumber.icmp || protocol === protocolNumber.icmp6) transport[0] = echo[version].reply;
  else {
    transport.set(packet.transport.subarray(0, 2), 2);
    transport.set(packet.transport.subarray(2, 4), 0);
    if (protocol === protocolNumber.tcp) transport[13] = tcpFlag.syn | tcpFlag.ack;
  }
  return { ...packet, link: undefined, network, transport, mark: 0, kind: packetKind.host };
}
