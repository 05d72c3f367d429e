/**
 * Published ports in nf_tables: two maps a family, one from an address of the host and a port, one from a port alone,
 * to the container's address and port. However many ports there are, a connection costs two look-ups.
 *
 * Only what goes to an address of the host is looked up (`fib daddr type local`), so a container's own connection to
 * port 53 of somebody else is left alone. Replies must come back through the host, so what leaves by the interface it
 * came in by is masqueraded (a container that calls itself or its neighbour), and what comes from the host itself; but
 * not what somebody else translated: a service's backend sees its caller.
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
import { type ChainRule, missingRules, writtenAnew } from "../nft/sharedRules.ts";
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
  // Before the networks' own chains: the first that masquerades decides.
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
    // No packet to ::1 can be sent on: without translation its sender is told that nobody listens there.
    ...(version === 6 ? [loadPayload(payloadBase.network, destinationOffset[6], 16), differs(loopback6)] : []),
    ...load,
    loadMeta(metaKey.l4Protocol, registerAfter(start)),
    loadPayload(payloadBase.transport, 2, 2, registerAfter(start + 4)),
    lookUpValue(map.name, idOf(map), register.one, register.one),
    destinationNat(nfFamily[version], register.one, registerAfter(bytes)),
  ];
}

/** `iifname . meta l4proto . ip daddr . th dport @NAME masquerade`, or with the way out. */
function hairpin(version: 4 | 6, name: "in" | "out"): ChainRule {
  const [bytes, set] = [lengthOf[version], hairpinSets[version]];
  const expressions = [
    ...wasTranslated(),
    ...matchProtocolOf(new Uint8Array(bytes)),
    // Packets that br_netfilter handles inside the bridge, and the host's own, have no interface that they came in by.
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

/** A function, since what loads this need not make them. */
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
  // route_localnet, which 127.0.0.1 needs, would let containers call what the host offers to itself alone.
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
  // Jumped to by nobody: as long as it is there, nobody has flushed the table.
  { chain: portsChain, expressions: [accept] },
];

export function missingPortRules(kernel: Kernel): Difference[] {
  return missingRules(table, rulesOfPorts(), kernel);
}

/** All that stands once a host, whatever is published; repeated without harm. */
export function portRules(): Message[] {
  return [
    newTable(table, tableComment),
    ...sets.map((set) => newSet(table, set, idOf(set))),
    newChain(table, exceptionsChain),
    newChain(table, translate),
    ...bases.map(([name, base]) => newChain(table, name, base)),
    newChain(table, portsChain, undefined, wholeComment),
    ...writtenAnew(table, rulesOfPorts()),
  ];
}
