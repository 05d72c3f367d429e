/**
 * Targets of iptables that iptables-nft hands to the kernel as they are. Structures: linux/netfilter/xt_*.h, nf_nat.h.
 * A target that is missing here may do anything with the packet: a choice, by its name.
 */
import { target } from "../../../netlink/nft/read/expressions.ts";
import { networkNumber16, word } from "../expression/numbers.ts";
import { accept, drop, type RuleRun, type Step } from "../expression/rule.ts";
import { masquerade, redirect } from "../expression/translate.ts";
import type { Passage, Translation } from "../passage.ts";
import type { Structure } from "./structure.ts";

type Target = (info: Structure, run: RuleRun) => Step;

const nothing: Target = () => undefined;

/** NF_NAT_RANGE_MAP_IPS, _PROTO_SPECIFIED, _NETMAP. */
const rangeFlag = { addresses: 1, ports: 2, netmap: 0x40 } as const;
const ipv4 = 2;

interface Range {
  readonly address: Uint8Array | undefined;
  readonly lastAddress: Uint8Array | undefined;
  readonly ports: Translation["ports"];
  readonly isNetmap: boolean;
}

/** Offsets in struct nf_nat_range and nf_nat_range2, and in the older nf_nat_ipv4_multi_range_compat. */
const wide = { flags: 0, first: 4, last: 20, port: 36 } as const;
const narrow = { flags: 4, first: 8, last: 12, port: 16 } as const;

function rangeIn(info: Structure, { family }: Passage): Range {
  const at = info.length < 40 ? narrow : wide;
  const length = family === ipv4 ? 4 : 16;
  const flags = word(info, at.flags);
  const hasAddresses = (flags & rangeFlag.addresses) !== 0;
  const hasPorts = (flags & rangeFlag.ports) !== 0;
  return {
    address: hasAddresses ? info.slice(at.first, at.first + length) : undefined,
    lastAddress: hasAddresses ? info.slice(at.last, at.last + length) : undefined,
    ports: hasPorts ? [networkNumber16(info, at.port), networkNumber16(info, at.port + 2)] : undefined,
    isNetmap: (flags & rangeFlag.netmap) !== 0,
  };
}

const translate =
  (side: Translation["side"]): Target =>
  (info, run) => {
    const { address, lastAddress, ports, isNetmap } = rangeIn(info, run.passage);
    if (isNetmap) run.choose(2, "nat of a prefix");
    const isOne = address === undefined || Buffer.compare(address, lastAddress!) === 0;
    const chosen = isOne || run.choose(2, "nat to one of several addresses") === 0 ? address : lastAddress;
    run.passage.translation = { side, address: chosen, ports };
    return accept;
  };

/** struct xt_mark_tginfo2: the mark and the bits that it replaces. */
const mark: Target = (info, { passage }) => {
  const [value, mask] = [word(info, 0), word(info, 4)];
  passage.packet = { ...passage.packet, mark: ((passage.packet.mark & ~mask) ^ value) >>> 0 };
  return undefined;
};

/** XT_CONNMARK_SET, XT_CONNMARK_SAVE; else the mark is restored. */
const connmarkMode = { set: 0, save: 1 } as const;

/** struct xt_connmark_tginfo1: the mark, its mask, the mask of the packet's mark, and the mode. */
const connmark: Target = (info, { passage }) => {
  const { connection, packet } = passage;
  const [value, mask, packetMask, mode] = [word(info, 0), word(info, 4), word(info, 8), info[12]];
  if (connection === undefined) return undefined;
  if (mode === connmarkMode.set) connection.mark = ((connection.mark & ~mask) ^ value) >>> 0;
  else if (mode === connmarkMode.save) connection.mark = ((connection.mark & ~mask) ^ (packet.mark & packetMask)) >>> 0;
  else passage.packet = { ...packet, mark: ((packet.mark & ~packetMask) ^ (connection.mark & mask)) >>> 0 };
  return undefined;
};

const notrack: Target = (_, { passage }) => {
  if (passage.connection === undefined) passage.isUntracked = true;
  return undefined;
};

/** They log, count, or change what decides on no path. */
const harmless = [
  ...["LOG", "NFLOG", "TCPMSS", "CHECKSUM", "CLASSIFY", "AUDIT", "TRACE", "TTL", "HL"],
  ...["DSCP", "TOS", "SET", "LED", "ULOG"],
];

const targets: Readonly<Record<string, Target>> = {
  REJECT: () => drop,
  MASQUERADE: (info, run) => masquerade(run, rangeIn(info, run.passage).ports),
  REDIRECT: (info, run) => redirect(run, rangeIn(info, run.passage).ports),
  SNAT: translate("source"),
  DNAT: translate("destination"),
  MARK: mark,
  CONNMARK: connmark,
  /** struct xt_ct_target_info: the first bit of the flags is NOTRACK. */
  CT: (info, run) => (info[0]! & 1 ? notrack(info, run) : undefined),
  NOTRACK: notrack,
  ...Object.fromEntries(harmless.map((name) => [name, nothing])),
};

export function evaluateTarget(data: Uint8Array, run: RuleRun): Step {
  const { name = "", info = new Uint8Array(0) } = target.get(data);
  const evaluate = targets[name];
  if (evaluate !== undefined) return evaluate(info, run);
  return [undefined, accept, drop][run.choose(3, `target ${name}`)];
}
