/** Headers of a traced packet: RFC 791, RFC 8200, RFC 9293, RFC 768, RFC 792, RFC 4443. */
import { formatAddress } from "../../../ip/address.ts";
import { addressFromBytes } from "../../../ip/bytes.ts";
import { protocolNumber } from "../../rules/packet.ts";

export interface Header {
  readonly source: string;
  readonly destination: string;
  /** `tcp`, `udp`, `icmp`, or the number. */
  readonly protocol: string;
  /** `SYN`, `SYN ACK`, `echo request` … */
  readonly kind: string;
  /** Bytes of the IP packet. */
  readonly length: number;
  /**
   * The same in all namespaces: what a translation of addresses leaves as it is. Two packets may have the same if both
   * are, for example, datagrams of the same length.
   */
  readonly key: string;
}

const names: Readonly<Record<number, string>> = {
  [protocolNumber.tcp]: "tcp",
  [protocolNumber.udp]: "udp",
  [protocolNumber.icmp]: "icmp",
  [protocolNumber.icmp6]: "icmp6",
  [protocolNumber.sctp]: "sctp",
};

const icmpKinds: Readonly<Record<number, string>> = {
  ...{ 0: "echo reply", 3: "unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded" },
};
const icmp6Kinds: Readonly<Record<number, string>> = {
  ...{ 1: "unreachable", 2: "packet too big", 3: "time exceeded", 128: "echo request", 129: "echo reply" },
};
/** From bit 0 on. */
const tcpFlags = ["FIN", "SYN", "RST", "PSH", "ACK"];

/** Undefined if it is no packet of IP. */
export function headerIn(network: Uint8Array, transport: Uint8Array): Header | undefined {
  const version = network[0]! >> 4;
  if (version !== 4 && version !== 6) return undefined;
  const view = new DataView(network.buffer, network.byteOffset, network.length);
  const [at, size] = version === 4 ? [12, 4] : [8, 16];
  if (network.length < at + 2 * size) return undefined;
  const number = network[version === 4 ? 9 : 6]!;
  const length = version === 4 ? view.getUint16(2) : 40 + view.getUint16(4);
  const end = (from: number, port: number) => {
    const address = formatAddress(addressFromBytes(network.subarray(from, from + size)));
    if (!hasPorts(number) || transport.length < 4) return address;
    return `${version === 6 ? `[${address}]` : address}:${(transport[port]! << 8) | transport[port + 1]!}`;
  };
  const identification = version === 4 ? view.getUint16(4) : 0;
  return {
    ...{ source: end(at, 0), destination: end(at + size, 2), length },
    ...{ protocol: names[number] ?? String(number), kind: kindOf(number, transport) },
    key: [number, length, identification, ...keptBytes(number, transport)].join(" "),
  };
}

/** The address of `10.1.0.2`, `10.1.0.2:80` or `[fd00::2]:80`. */
export const addressIn = (end: string): string => /^\[(.*)\]/.exec(end)?.[1] ?? end.replace(/^([\d.]+):\d+$/, "$1");

/** The packet has the same addresses and ports. */
export const isSameWay = (one: Header, other: Header): boolean =>
  one.source === other.source && one.destination === other.destination;

const hasPorts = (number: number) => number === protocolNumber.tcp || number === protocolNumber.udp;

function kindOf(number: number, transport: Uint8Array): string {
  if (number === protocolNumber.tcp) return tcpFlags.filter((_, bit) => (transport[13] ?? 0) & (1 << bit)).join(" ");
  const kinds = number === protocolNumber.icmp ? icmpKinds : number === protocolNumber.icmp6 ? icmp6Kinds : undefined;
  if (kinds === undefined) return "";
  const kind = kinds[transport[0]!] ?? `type ${transport[0]}`;
  return kind.startsWith("echo") ? `${kind} ${(transport[6]! << 8) | transport[7]!}` : kind;
}

/** Sequence numbers, flags and types; not ports, identifiers and checksums, which a translation changes. */
function keptBytes(number: number, transport: Uint8Array): readonly number[] {
  if (number === protocolNumber.tcp) return [...transport.subarray(4, 14)];
  if (number === protocolNumber.icmp || number === protocolNumber.icmp6)
    return [transport[0]!, transport[1]!, transport[6]!, transport[7]!];
  return [];
}
