/**
 * A packet at one hook: connection tracking, the base chains by priority, and address translation at its own priority.
 * linux/netfilter_ipv4.h (NF_IP_PRI_*), net/netfilter/nf_nat_core.c.
 */
import type { Ruleset } from "../../netlink/nft/read/ruleset.ts";
import type { ReadChain } from "../../netlink/nft/read/tables.ts";
import { type Decision, runChain } from "./chain.ts";
import type { Choices } from "./choices.ts";
import { type Connection, newConnection } from "./connection.ts";
import { chainsAt, hasTranslation, hook, isIpFamily, netdevHook } from "./order.ts";
import type { Device, Packet, Side } from "./packet.ts";
import type { BridgePorts, Passage, Surroundings, TrailEntry } from "./passage.ts";
import { tracksConnections } from "./tracked.ts";
import { doneBit, translateBack, translateFirst } from "./translation.ts";

const priority = { tracking: -200, destination: -100, source: 100 } as const;

/** Which side is translated at which hook. */
const translatedSides: Readonly<Record<number, Side>> = {
  [hook.prerouting]: "destination",
  [hook.input]: "source",
  [hook.output]: "destination",
  [hook.postrouting]: "source",
};

export interface AtHook {
  /** NFPROTO_*: 2 IPv4, 10 IPv6, 7 bridge, 5 netdev. */
  readonly family: number;
  readonly hook: number;
  readonly input?: Device | undefined;
  readonly output?: Device | undefined;
  readonly ports?: BridgePorts | undefined;
  /** A socket of this namespace sends the packet. */
  readonly isLocal?: boolean;
  readonly packet: Packet;
  readonly connection?: Connection | undefined;
  readonly isUntracked?: boolean;
  readonly surroundings: Surroundings;
  readonly choices: Choices;
  /** Elements that rules added to sets at earlier hooks, and that those of this hook add. */
  readonly added?: Set<string>;
}

export interface Passed {
  /** Undefined: the packet passes. */
  readonly dropped: Decision | undefined;
  readonly packet: Packet;
  readonly connection: Connection | undefined;
  readonly isUntracked: boolean;
  readonly trail: readonly TrailEntry[];
  /** The rule that translated the packet here. */
  readonly translatedBy: TrailEntry | undefined;
}

interface Station {
  readonly priority: number;
  /** Answers the rule that dropped the packet, or nothing. */
  readonly pass: (passage: Passage) => Decision | undefined;
}

/** Everything of the kernel's that sees a packet at a hook, until something drops it. */
export function passHook(ruleset: Ruleset, at: AtHook): Passed {
  const passage: Passage = {
    ...{ family: at.family, hook: at.hook, input: at.input, output: at.output, ports: at.ports },
    ...{ isLocal: at.isLocal ?? false, packet: at.packet, isUntracked: at.isUntracked ?? false },
    connection: at.connection && { ...at.connection },
    ...{ surroundings: at.surroundings, choices: at.choices },
    ...{ trail: [], translation: undefined, added: at.added ?? new Set() },
  };
  const noted: TrailEntry[] = [];
  let dropped: Decision | undefined;
  for (const station of stationsOf(ruleset, at, noted)) {
    dropped = station.pass(passage);
    if (dropped) break;
  }
  const { packet, connection, isUntracked, trail } = passage;
  return { dropped, packet, connection, isUntracked, trail, translatedBy: noted[0] };
}

function stationsOf(ruleset: Ruleset, at: AtHook, noted: TrailEntry[]): Station[] {
  const link = at.hook === netdevHook.egress ? at.output : at.input;
  const chains = chainsAt(ruleset, at.family, at.hook, link?.name);
  const isNat = (chain: ReadChain) => chain.base?.type === "nat";
  const stations: Station[] = chains
    .filter((chain) => !isNat(chain))
    .map((chain) => ({
      priority: chain.base!.priority,
      pass: (passage) => {
        const decision = runChain(chain, passage, ruleset);
        return decision.verdict === "drop" ? decision : undefined;
      },
    }));
  if (!isIpFamily(at.family)) return stations;
  if (at.hook === hook.prerouting || at.hook === hook.output) {
    const pass = (passage: Passage) => track(passage, ruleset);
    put(stations, { priority: priority.tracking, pass }, at.choices);
  }
  const side = translatedSides[at.hook];
  if (side !== undefined && hasTranslation(ruleset, at.family)) {
    const nat = inSomeOrder(chains.filter(isNat), at.choices);
    const pass = (passage: Passage) => translate(nat, passage, ruleset, side, noted);
    put(stations, { priority: priority[side], pass }, at.choices);
  }
  return stations;
}

/** Puts a station at its place. Whether it comes before a chain of the same priority depends on who registered first. */
function put(stations: Station[], station: Station, choices: Choices): void {
  const isTied = stations.some((one) => one.priority === station.priority);
  const isLast = isTied && choices.choose(2, `the order of chains with priority ${station.priority}`) === 1;
  const isBehind = (one: Station) => (isLast ? one.priority > station.priority : one.priority >= station.priority);
  const at = stations.findIndex(isBehind);
  stations.splice(at < 0 ? stations.length : at, 0, station);
}

function track(passage: Passage, ruleset: Ruleset): undefined {
  if (!passage.isUntracked && tracksConnections(ruleset, passage.family))
    passage.connection ??= newConnection(passage.packet);
}

/** The first chain of several tables that translates wins, so their order matters where priorities are equal. */
function inSomeOrder(chains: readonly ReadChain[], choices: Choices): readonly ReadChain[] {
  const isTied = chains.some((one, i) => {
    const other = chains[i + 1];
    return other && one.base!.priority === other.base!.priority && one.table !== other.table;
  });
  if (!isTied || choices.choose(2, "the order of nat chains with equal priority") === 0) return chains;
  return chains.toReversed().sort((a, b) => a.base!.priority - b.base!.priority);
}

function translate(
  chains: readonly ReadChain[],
  passage: Passage,
  ruleset: Ruleset,
  side: Side,
  noted: TrailEntry[],
): Decision | undefined {
  const { connection } = passage;
  if (connection === undefined) return undefined;
  if (connection.isReply || connection.status & doneBit[side]) {
    translateBack(passage, side);
    return undefined;
  }
  for (const chain of chains) {
    const decision = runChain(chain, passage, ruleset);
    if (decision.verdict === "drop") return decision;
    if (passage.translation === undefined) continue;
    noted.push(passage.trail.at(-1)!);
    break;
  }
  translateFirst(passage, side);
  return undefined;
}
