/**
 * Published ports in nf_tables. Each family has two maps to the container's address and port: one from a host address and
 * a port, one from a port alone. A connection costs two look-ups, whatever the number of ports.
 *
 * Only packets to an address of the host are looked up (`fib daddr type local`), so a container's connection to port 53 of
 * another machine stays as it is. Replies must return through the host. So connections that leave by the interface they
 * came in by (a container calls itself or its neighbour) are masqueraded, and the host's own; but not those that another
 * program translated: a service's backend sees its caller.
 */

import type { Kernel } from "../../kernel/kernel.ts";
import type { Message } from "../../netlink/message.ts";
import { type BaseChain, hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { keepBits } from "../../netlink/nft/expr/bitwise.ts";
import { differs, equals } from "../../netlink/nft/expr/compare.ts";
import { connectionStatus, conntrackKey, loadConntrack } from "../../netlink/nft/expr/conntrack.ts";
import { type Expression, register, registerAfter } from "../../netlink/nft/expr/expression.ts";
import { loadDestinationType, localType } from "../../netlink/nft/expr/fib.ts";
import { lookUp, lookUpValue } from "../../netlink/nft/expr/lookup.ts";
import { masquerade } from "../../netlink/nft/expr/masquerade.ts";
import { loadMeta, metaKey } from "../../netlink/nft/expr/meta.ts";
import { destinationNat } from "../../netlink/nft/expr/nat.ts";
import { loadPayload, payloadBase } from "../../netlink/nft/expr/payload.ts";
import { accept, drop, jump } from "../../netlink/nft/expr/verdict.ts";
import { matchAddress, matchProtocolOf } from "../../netlink/nft/match.ts";
import { family } from "../../netlink/nft/message.ts";
import { linkNameBytes, newSet, type SetShape } from "../../netlink/nft/set.ts";
import { newTable } from "../../netlink/nft/table.ts";
import type { Difference } from "../kind.ts";
import { type ChainRule, missingRules, replacedRules } from "../nft/sharedRules.ts";
import { table, tableComment } from "../nft/table.ts";
import { exceptionsChain, hairpinSets, portMaps, portsChain } from "./sets.ts";

const { exact4, any4, exact6, any6 } = portMaps;

const sets: readonly SetShape[] = [...Object.values(portMaps), ...Object.values(hairpinSets)];
const idOf = (set: SetShape) => sets.indexOf(set) + 1;

export const wholeComment = "the rules of published ports are whole";
export const translate = "ports";
export const portChains = { in: "ports-in", out: "ports-out", masquerade: "ports-masquerade", guard: "ports-guard" };

const bases: readonly [name: string, base: BaseChain][] = [
  [portChains.in, { type: "nat", hook: hook.prerouting, priority: priority.destinationNat }],
  [portChains.out, { type: "nat", hook: hook.output, priority: priority.destinationNat }],
  // Before the chains of networks: the first chain that masquerades decides.
  [portChains.masquerade, { type: "nat", hook: hook.postrouting, priority: priority.sourceNat - 5 }],
  [portChains.guard, { type: "filter", hook: hook.prerouting, priority: priority.raw }],
];

const destinationOffset = { 4: 16, 6: 24 } as const;
const nfFamily = { 4: family.ipv4, 6: family.ipv6 } as const;
const lengthOf = { 4: 4, 6: 16 } as const;
const loopback6 = Uint8Array.from([...Array(15).fill(0), 1]);
const loopbackNet = { address: Uint8Array.of(127, 0, 0, 0), length: 8 };

/** `dnat ip to [ip daddr .] meta l4proto . th dport map @NAME` */
export function translation(version: 4 | 6, map: SetShape, isExact: boolean): Expression[] {
  const bytes = lengthOf[version];
  const start = isExact ? bytes : 0;
  const load = isExact ? [loadPayload(payloadBase.network, destinationOffset[version], bytes)] : [];
  return [
    ...matchProtocolOf(new Uint8Array(bytes)),
    // The kernel forwards no packet to ::1. Without a translation, its sender gets a connection refused.
    ...(version === 6 ? [loadPayload(payloadBase.network, destinationOffset[6], 16), differs(loopback6)] : []),
    ...load,
    loadMeta(metaKey.l4Protocol, registerAfter(start)),
    loadPayload(payloadBase.transport, 2, 2, registerAfter(start + 4)),
    lookUpValue(map.name, idOf(map), register.one, register.one),
    destinationNat(nfFamily[version], register.one, registerAfter(bytes)),
  ];
}

/** `iifname . meta l4proto . ip daddr . th dport @NAME masquerade`, or with oifname. */
function hairpin(version: 4 | 6, name: "in" | "out"): ChainRule {
  const [bytes, set] = [lengthOf[version], hairpinSets[version]];
  const expressions = [
    ...wasTranslated(),
    ...matchProtocolOf(new Uint8Array(bytes)),
    // Packets that br_netfilter handles inside the bridge, and the host's own, have no input interface.
    ...(name === "out" ? [loadMeta(metaKey.inIndex), equals(new Uint8Array(4))] : []),
    loadMeta(name === "in" ? metaKey.inName : metaKey.outName),
    loadMeta(metaKey.l4Protocol, register.two),
    loadPayload(payloadBase.network, destinationOffset[version], bytes, registerAfter(20)),
    loadPayload(payloadBase.transport, 2, 2, registerAfter(20 + bytes)),
    lookUp(set.name, idOf(set)),
    masquerade,
  ];
  return {
    chain: portChains.masquerade,
    expressions,
  };
}

const wasTranslated = (): Expression[] => [
  loadConntrack(conntrackKey.status),
  keepBits(connectionStatus.destinationNat),
  differs(new Uint8Array(4)),
];

/** A function, because most modules that load this file do not need the rules. */
export const rulesOfPorts = (): readonly ChainRule[] => [
  { chain: translate, expressions: [jump(exceptionsChain)] },
  { chain: translate, expressions: translation(4, exact4, true) },
  { chain: translate, expressions: translation(4, any4, false) },
  { chain: translate, expressions: translation(6, exact6, true) },
  { chain: translate, expressions: translation(6, any6, false) },
  ...[portChains.in, portChains.out].map((chain) => ({
    chain,
    expressions: [loadDestinationType, equals(localType), jump(translate)],
  })),
  ...([4, 6] as const).flatMap((version) => [hairpin(version, "in"), hairpin(version, "out")]),
  {
    chain: portChains.masquerade,
    expressions: [
      ...wasTranslated(),
      ...matchProtocolOf(loopbackNet.address),
      ...matchAddress("source", loopbackNet),
      masquerade,
    ],
  },
  // With route_localnet, containers could call services that listen on the host's 127.0.0.1 only.
  {
    chain: portChains.guard,
    expressions: [
      loadMeta(metaKey.inName),
      differs(linkNameBytes("lo")),
      ...matchProtocolOf(loopbackNet.address),
      ...matchAddress("destination", loopbackNet),
      drop,
    ],
  },
  // No rule jumps to this chain. If it has its rule, the table was not flushed.
  { chain: portsChain, expressions: [accept] },
];

export function missingPortRules(kernel: Kernel): Difference[] {
  return missingRules(table, rulesOfPorts(), kernel);
}

/** All objects and rules that exist once per host. They may be sent again. */
export function portRules(): Message[] {
  return [
    newTable(table, tableComment),
    ...sets.map((set) => newSet(table, set, idOf(set))),
    newChain(table, exceptionsChain),
    newChain(table, translate),
    ...bases.map(([name, base]) => newChain(table, name, base)),
    newChain(table, portsChain, undefined, wholeComment),
    ...replacedRules(table, rulesOfPorts()),
  ];
}
