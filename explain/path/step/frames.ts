/** Ethernet frames: their headers, and the questions of ARP (RFC 826) and neighbour discovery (RFC 4861). */
import { mac } from "../../../netlink/codec.ts";
import { arpBytes, etherTypeOf, type Packet, packetKind, protocolNumber } from "../../rules/packet.ts";

export const broadcast = "ff:ff:ff:ff:ff:ff";

export function withFrame(packet: Packet, from: string, to: string): Packet {
  const type = etherTypeOf(packet);
  return { ...packet, link: Uint8Array.of(...mac.put(to), ...mac.put(from), type >> 8, type) };
}

export const destinationOf = ({ link }: Packet): string => (link ? mac.get(link.subarray(0, 6)) : "");
export const sourceOf = ({ link }: Packet): string => (link ? mac.get(link.subarray(6, 12)) : "");

/** True for broadcast and multicast frames. */
export const isGroup = (address: string): boolean => (Number.parseInt(address.slice(0, 2), 16) & 1) === 1;

/** Asks who has an address: a frame to everyone, or for IPv6 to those whose address ends the same. */
export function question(source: Uint8Array, target: Uint8Array, from: string): Packet {
  const none = new Uint8Array(6);
  if (target.length === 4) {
    const network = Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1, ...mac.put(from), ...source, ...none, ...target);
    const packet = { link: undefined, network, transport: new Uint8Array(0), length: arpBytes };
    return withFrame({ ...packet, mark: 0, kind: packetKind.broadcast }, from, broadcast);
  }
  const last = target.subarray(13);
  const group = Uint8Array.of(0xff, 2, ...new Array<number>(9).fill(0), 1, 0xff, ...last);
  const transport = Uint8Array.of(solicitation, 0, 0, 0, 0, 0, 0, 0, ...target, 1, 1, ...mac.put(from));
  const head = Uint8Array.of(0x60, 0, 0, 0, 0, transport.length, protocolNumber.icmp6, 255);
  const network = Uint8Array.of(...head, ...source, ...group);
  const length = network.length + transport.length;
  const to = mac.get(Uint8Array.of(0x33, 0x33, 0xff, ...last));
  return withFrame({ link: undefined, network, transport, length, mark: 0, kind: packetKind.multicast }, from, to);
}

/** ICMPv6 neighbour solicitation. */
const solicitation = 135;
const zeroMac = "00:00:00:00:00:00";

/** A link without Ethernet has no hardware address. */
export const hasFrames = (address: string | undefined): address is string =>
  address?.length === zeroMac.length && address !== zeroMac;
