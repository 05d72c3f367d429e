/** Rules that mark the packets of a flow, there and back, not too many in a second. */
import { attributes, be32, be64 } from "../../../netlink/codec.ts";
import { equals } from "../../../netlink/nft/expr/compare.ts";
import { counter } from "../../../netlink/nft/expr/counter.ts";
import type { Expression } from "../../../netlink/nft/expr/expression.ts";
import { loadMeta, metaKey } from "../../../netlink/nft/expr/meta.ts";
import { loadPayload, payloadBase } from "../../../netlink/nft/expr/payload.ts";
import type { Rule } from "../../../netlink/nft/rule.ts";
import { isFarAway } from "../../path/packets.ts";
import type { Site } from "../../path/site/site.ts";
import type { Passed } from "../../path/walk.ts";
import { addressOf, type Packet, portOf, protocolOf, sameBytes, versionOf } from "../../rules/packet.ts";
import { traceIt } from "../marks.ts";

/** NFT_META_PROTOCOL: ETH_P_*, also in tables of bridges. */
const etherKey = 1;
const ethernet = { 4: Uint8Array.of(0x08, 0x00), 6: Uint8Array.of(0x86, 0xdd) } as const;
const addressesAt = { 4: { source: 12, destination: 16 }, 6: { source: 8, destination: 24 } } as const;
const portsAt = { source: 0, destination: 2 } as const;

/** Packets of the flow as they enter a namespace. */
export interface Tuple {
  readonly version: 4 | 6;
  /** IPPROTO_*; absent: packets of every protocol between the two. */
  readonly protocol: number | undefined;
  /** Absent: any address, because that side is outside this machine. */
  readonly source: Uint8Array | undefined;
  readonly destination: Uint8Array | undefined;
  /** The port of the server, as it is called there; absent for a ping. */
  readonly port: { readonly of: "source" | "destination"; readonly number: number } | undefined;
}

export interface Which {
  /** Packets of the protocol and the port of the walk alone. */
  readonly isOfOneProtocol: boolean;
  /** One side is outside this machine: its packets have any address where the walk took one as an example. */
  readonly isWithOutside: boolean;
  /** The addresses of the question. */
  readonly addresses: readonly Uint8Array[];
}

/** The different tuples of a walk, those of answers included: an answer has the sides of its question exchanged. */
export function tuplesOf(passed: readonly Passed[], which: Which): Tuple[] {
  const found = new Map<string, Tuple>();
  for (const { site, packet, isBack } of passed) {
    const tuple = tupleOf(packet, isBack, which);
    if (tuple === undefined || isAnyOf(site, tuple, which)) continue;
    for (const each of [tuple, reversed(tuple)]) found.set(textOf(each), each);
  }
  return [...found.values()];
}

/** The packets of a container as the host's own, behind a masquerade: they would be all that the host sends and gets. */
function isAnyOf(site: Site, { source, destination, port }: Tuple, { addresses }: Which): boolean {
  const own = source ?? destination;
  if ((source && destination) || port || !own || !site.isHost) return false;
  return site.holds(own) !== undefined && !addresses.some((one) => sameBytes(one, own));
}

function tupleOf(packet: Packet, isBack: boolean, { isOfOneProtocol, isWithOutside }: Which): Tuple | undefined {
  const version = versionOf(packet);
  if (version === undefined) return undefined;
  const of = isBack ? "source" : "destination";
  const number = isOfOneProtocol ? portOf(packet, of) : 0;
  const endOf = (end: "source" | "destination") => {
    const address = addressOf(packet, end);
    return isWithOutside && isFarAway(address) ? undefined : address;
  };
  return {
    ...{ version, protocol: isOfOneProtocol ? protocolOf(packet) : undefined },
    ...{ source: endOf("source"), destination: endOf("destination") },
    port: number === 0 ? undefined : { of, number },
  };
}

const reversed = ({ source, destination, port, ...rest }: Tuple): Tuple => ({
  ...{ ...rest, source: destination, destination: source },
  port: port && { of: port.of === "source" ? "destination" : "source", number: port.number },
});

const textOf = ({ protocol, source, destination, port }: Tuple) =>
  `${protocol} ${source} ${destination} ${port?.of} ${port?.number}`;

const counterAttributes = attributes({ packets: [2, be64] });

/** The packets that a rule of `flowMark` saw, and those of them that it marked. */
export function countsOf({ expressions = [] }: Rule): { readonly seen: number; readonly marked: number } {
  const counters = expressions.filter(({ name }) => name === "counter");
  const [seen = 0, marked = 0] = counters.map(({ data = new Uint8Array(0) }) =>
    Number(counterAttributes.get(data).packets ?? 0n),
  );
  return { seen, marked };
}

const limitAttributes = attributes({
  rate: [1, be64],
  unit: [2, be64],
  burst: [3, be32],
  type: [4, be32],
  flags: [5, be32],
});

/** `limit rate N/second burst N packets` */
const limited = (packets: number): Expression => ({
  name: "limit",
  data: limitAttributes.put({ rate: BigInt(packets), unit: 1n, burst: packets, type: 0, flags: 0 }),
});

/**
 * `meta protocol ip ip saddr A ip daddr B meta l4proto P th dport N counter limit rate N/second counter meta nftrace set 1`.
 * The two counters say how many packets there were, and how many of them are traced.
 */
export function flowMark(
  { version, protocol, source, destination, port }: Tuple,
  packetsPerSecond: number,
): Expression[] {
  const at = addressesAt[version];
  return [
    loadMeta(etherKey),
    equals(ethernet[version]),
    ...(source ? [loadPayload(payloadBase.network, at.source, source.length), equals(source)] : []),
    ...(destination ? [loadPayload(payloadBase.network, at.destination, destination.length), equals(destination)] : []),
    ...(protocol === undefined ? [] : [loadMeta(metaKey.l4Protocol), equals(Uint8Array.of(protocol))]),
    ...(port === undefined
      ? []
      : [
          loadPayload(payloadBase.transport, portsAt[port.of], 2),
          equals(Uint8Array.of(port.number >> 8, port.number & 0xff)),
        ]),
    counter,
    limited(packetsPerSecond),
    counter,
    ...traceIt,
  ];
}
