/** Packets with right checksums, byte by byte: RFC 791, 8200, 768, 9293, 792, 4443. */
import { etherType, type Packet, packetKind, protocolNumber } from "../../../explain/rules/packet.ts";
import { parseAddress } from "../../../ip/address.ts";
import { addressBytes } from "../../../ip/bytes.ts";

export interface PacketFields {
  readonly source: string;
  readonly destination: string;
  readonly protocol: "tcp" | "udp" | "icmp";
  /** For ICMP the identifier. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Bits of the TCP header: SYN 2, ACK 16. */
  readonly tcpFlags: number;
  readonly dscp: number;
  readonly ttl: number;
  /** The identification of IPv4, the flow label of IPv6: finds the packet in a trace. */
  readonly label: number;
  /** Bytes behind the header of the protocol. */
  readonly payloadBytes: number;
}

const bytesOf = (text: string) => addressBytes(parseAddress(text)!);

function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) for (const [at, byte] of part.entries()) sum += at % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function protocolIn({ protocol, source }: PacketFields): number {
  if (protocol !== "icmp") return protocolNumber[protocol];
  return source.includes(":") ? protocolNumber.icmp6 : protocolNumber.icmp;
}

function transportOf(fields: PacketFields): Buffer {
  const { protocol, sourcePort, destinationPort, tcpFlags, payloadBytes } = fields;
  const isIpv6 = fields.source.includes(":");
  const headerBytes = protocol === "tcp" ? 20 : 8;
  const out = Buffer.alloc(headerBytes + payloadBytes);
  out.fill(0x61, headerBytes);
  if (protocol === "icmp") {
    out[0] = isIpv6 ? 128 : 8;
    out.writeUInt16BE(sourcePort, 4);
  } else {
    out.writeUInt16BE(sourcePort, 0);
    out.writeUInt16BE(destinationPort, 2);
    if (protocol === "udp") out.writeUInt16BE(out.length, 4);
    else {
      out[12] = 0x50;
      out[13] = tcpFlags;
      out.writeUInt16BE(1000, 14);
    }
  }
  const lengthAndProtocol = Buffer.alloc(8);
  lengthAndProtocol.writeUInt32BE(out.length, 0);
  lengthAndProtocol.writeUInt32BE(protocolIn(fields), 4);
  const pseudo = [bytesOf(fields.source), bytesOf(fields.destination), lengthAndProtocol];
  const sum = protocol === "icmp" && !isIpv6 ? checksum(out) : checksum(...pseudo, out);
  out.writeUInt16BE(sum, protocol === "tcp" ? 16 : protocol === "udp" ? 6 : 2);
  return out;
}

function networkOf(fields: PacketFields, transportBytes: number): Buffer {
  const { dscp, label, ttl } = fields;
  const [source, destination] = [bytesOf(fields.source), bytesOf(fields.destination)];
  const isIpv6 = source.length === 16;
  const out = Buffer.alloc(isIpv6 ? 40 : 20);
  if (isIpv6) {
    out.writeUInt32BE(((6 << 28) | (dscp << 22) | label) >>> 0, 0);
    out.writeUInt16BE(transportBytes, 4);
    out[6] = protocolIn(fields);
    out[7] = ttl;
    out.set(source, 8);
    out.set(destination, 24);
    return out;
  }
  out[0] = 0x45;
  out[1] = dscp << 2;
  out.writeUInt16BE(20 + transportBytes, 2);
  out.writeUInt16BE(label, 4);
  out[8] = ttl;
  out[9] = protocolIn(fields);
  out.set(source, 12);
  out.set(destination, 16);
  out.writeUInt16BE(checksum(out), 10);
  return out;
}

/** Without `macs` there is no Ethernet header, as in a packet that the machine itself sends. */
export function buildPacket(fields: PacketFields, macs?: { readonly from: string; readonly to: string }): Packet {
  // A slice of a Buffer is no copy, and the evaluator makes copies by slice.
  const transport = Uint8Array.from(transportOf(fields));
  const network = Uint8Array.from(networkOf(fields, transport.length));
  const type = network.length === 40 ? etherType.ipv6 : etherType.ipv4;
  const mac = (text: string) => Buffer.from(text.replaceAll(":", ""), "hex");
  const link = macs && Uint8Array.of(...mac(macs.to), ...mac(macs.from), type >> 8, type);
  const length = network.length + transport.length;
  return { link, network, transport, length, mark: 0, kind: packetKind.host };
}
