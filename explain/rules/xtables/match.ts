/**
 * Matches of iptables that iptables-nft hands to the kernel as they are. Structures: linux/netfilter/xt_*.h,
 * linux/netfilter_ipv4/ipt_*.h. A match that is missing here is a choice, by its name.
 */
import { match } from "../../../netlink/nft/expr/match.ts";
import { word } from "../expression/numbers.ts";
import { maybe, type RuleRun, type Step } from "../expression/rule.ts";
import { addressOf, type Device, hasPorts, type Packet, portOf, protocolNumber, protocolOf } from "../packet.ts";
import { matchesConntrack, matchesState } from "./conntrack.ts";
import { half, type Structure } from "./structure.ts";

/** True, false, or the words for what is not known. */
type Holds = (info: Structure, run: RuleRun, revision: number) => boolean | string;

const between = (value: number, first: number, last: number) => value >= first && value <= last;

/** struct xt_tcp, struct xt_udp: ranges of ports in the machine's order; two bits of `invert` turn them round. */
const ports = (info: Structure, packet: Packet, invert: number) =>
  between(portOf(packet, "source"), half(info, 0), half(info, 2)) !== ((invert & 1) !== 0) &&
  between(portOf(packet, "destination"), half(info, 4), half(info, 6)) !== ((invert & 2) !== 0);

const tcp: Holds = (info, { passage: { packet } }) => {
  const [option, mask, compared, invert] = [info[8]!, info[9]!, info[10]!, info[11]!];
  if (protocolOf(packet) !== protocolNumber.tcp || !ports(info, packet, invert)) return false;
  const hasFlags = ((packet.transport[13] ?? 0) & mask) === compared;
  if (hasFlags === ((invert & 4) !== 0)) return false;
  return option === 0 || "an option of TCP";
};

const udp: Holds = (info, { passage: { packet } }) =>
  protocolOf(packet) === protocolNumber.udp && ports(info, packet, info[8]!);

/** struct ipt_icmp, struct ip6t_icmp: the type, the first and the last code, and whether it is inverted. 255: any type. */
const icmp =
  (protocol: number): Holds =>
  (info, { passage: { packet } }) => {
    if (protocolOf(packet) !== protocol) return false;
    const [type, first, last, invert] = [info[0]!, info[1]!, info[2]!, info[3]!];
    const isAny = protocol === protocolNumber.icmp && type === 0xff;
    const isType = isAny || (packet.transport[0] === type && between(packet.transport[1] ?? 0, first, last));
    return isType !== ((invert & 1) !== 0);
  };

const sidesOf: Readonly<Record<number, readonly ("source" | "destination")[]>> = {
  0: ["source"],
  1: ["destination"],
  2: ["source", "destination"],
};

/** struct xt_multiport_v1: which side, the count, 15 ports, 15 flags (1: a range begins here), inverted. */
const multiport: Holds = (info, { passage: { packet } }) => {
  if (!hasPorts(packet)) return false;
  let isFound = false;
  for (let i = 0; i < info[1]!; i++) {
    const first = half(info, 2 + 2 * i);
    const last = info[32 + i] === 1 ? half(info, 2 + 2 * ++i) : first;
    isFound ||= (sidesOf[info[0]!] ?? []).some((side) => between(portOf(packet, side), first, last));
  }
  return isFound !== (info[47] === 1);
};

/** struct xt_addrtype_info_v1 (masks of 1 << RTN_*, then flags); revision 0 has two numbers to invert instead of flags. */
const addressType: Holds = (info, { passage }, revision) => {
  const { packet, surroundings, input, output } = passage;
  const flags = revision === 0 ? (word(info, 4) ? 1 : 0) | (word(info, 8) ? 2 : 0) : word(info, 4);
  const link = flags & 4 ? input : flags & 8 ? output : undefined;
  const asked = [
    ["source", half(info, 0), 1],
    ["destination", half(info, 2), 2],
  ] as const;
  for (const [side, mask, invert] of asked) {
    if (mask === 0) continue;
    const type = surroundings.addressType(addressOf(packet, side), link);
    if (type === undefined) return `the type of the ${side} address`;
    if (((mask & (1 << type)) !== 0) === ((flags & invert) !== 0)) return false;
  }
  return true;
};

/** XT_PHYSDEV_OP_*. */
const bridgeBit = { in: 1, out: 2, bridged: 4, isIn: 8, isOut: 16 } as const;

/** struct xt_physdev_info: names and masks of 16 bytes each, what is inverted, and what is asked. */
const physdev: Holds = (info, { passage: { ports: bridge } }) => {
  const [invert, asked] = [info[64]!, info[65]!];
  const holds = (bit: number, is: boolean) => !(asked & bit) || is !== ((invert & bit) !== 0);
  // A packet that no bridge hands over has no ports: only inverted questions hold.
  if (bridge === undefined) return Object.values(bridgeBit).every((bit) => holds(bit, false));
  const { input, output } = bridge;
  return (
    holds(bridgeBit.bridged, output !== undefined) &&
    holds(bridgeBit.isIn, input !== undefined) &&
    holds(bridgeBit.isOut, output !== undefined) &&
    holds(bridgeBit.in, isNamed(info, 0, input)) &&
    holds(bridgeBit.out, isNamed(info, 32, output))
  );
};

/** True if the name agrees with the one at `at`, wherever the mask behind it has bits. */
function isNamed(info: Structure, at: number, device: Device | undefined): boolean {
  const name = new TextEncoder().encode(device?.name ?? "");
  for (let i = 0; i < 16; i++) if (((name[i] ?? 0) ^ info[at + i]!) & info[at + 16 + i]!) return false;
  return true;
}

/** struct xt_mark_mtinfo1, struct xt_connmark_mtinfo1: value, mask, inverted. */
const isMarked = (info: Structure, mark: number) =>
  ((mark & word(info, 4)) >>> 0 === word(info, 0)) !== (info[8] === 1);

/** struct xt_iprange_mtinfo: four addresses of 16 bytes; 1 source, 2 destination, and 16 and 32 invert. */
const addressRange: Holds = (info, { passage: { packet } }) => {
  const isIn = (side: "source" | "destination", at: number) => {
    const address = addressOf(packet, side);
    const part = (from: number) => info.subarray(from, from + address.length);
    return Buffer.compare(address, part(at)) >= 0 && Buffer.compare(address, part(at + 16)) <= 0;
  };
  const flags = info[64]!;
  if (flags & 1 && isIn("source", 0) === ((flags & 16) !== 0)) return false;
  return !(flags & 2) || isIn("destination", 32) !== ((flags & 32) !== 0);
};

/** struct xt_mac_info: six bytes, two of padding, inverted. */
const mac: Holds = (info, { passage: { packet } }) =>
  packet.link !== undefined &&
  (Buffer.compare(packet.link.subarray(6, 12), info.subarray(0, 6)) === 0) !== (word(info, 8) !== 0);

const matches: Readonly<Record<string, Holds>> = {
  comment: () => true,
  tcp,
  udp,
  icmp: icmp(protocolNumber.icmp),
  icmp6: icmp(protocolNumber.icmp6),
  multiport,
  addrtype: addressType,
  physdev,
  conntrack: (info, { passage }) => matchesConntrack(info, passage),
  state: (info, { passage }) => matchesState(info, passage),
  mark: (info, { passage }) => isMarked(info, passage.packet.mark),
  connmark: (info, { passage: { connection } }) => connection !== undefined && isMarked(info, connection.mark),
  iprange: addressRange,
  mac,
  /** struct xt_pkttype_info: the kind and whether it is inverted. */
  pkttype: (info, { passage }) => (passage.packet.kind === word(info, 0)) !== (word(info, 4) !== 0),
  /** struct xt_length_info: the first and the last length, inverted. */
  length: (info, { passage }) => between(passage.packet.length, half(info, 0), half(info, 2)) !== (info[4] === 1),
  /** A packet that is routed has no owner. */
  owner: (_, { passage }) => (passage.isLocal ? "owner" : false),
};

export function evaluateMatch(data: Uint8Array, run: RuleRun): Step {
  const { name = "", info = new Uint8Array(0), revision = 0 } = match.get(data);
  const answer = matches[name]?.(info, run, revision) ?? "no evaluation";
  if (typeof answer === "string") return maybe(run, `match ${name}`);
  return answer ? undefined : "break";
}
