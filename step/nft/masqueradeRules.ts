/** The rules of a masquerading chain, as messages and for a comparison with the existing ones. */
import { type Cidr, parseCidr } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Message } from "../../netlink/message.ts";
import { type BaseChain, hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { differs, equals } from "../../netlink/nft/expr/compare.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { loadSourceType, localType } from "../../netlink/nft/expr/fib.ts";
import { masquerade as masqueradeExpression } from "../../netlink/nft/expr/masquerade.ts";
import { loadMeta, metaKey } from "../../netlink/nft/expr/meta.ts";
import { leave } from "../../netlink/nft/expr/verdict.ts";
import { matchAddress, matchProtocolOf } from "../../netlink/nft/match.ts";
import { flushChain, newRule } from "../../netlink/nft/rule.ts";
import { linkNameBytes } from "../../netlink/nft/set.ts";
import { newTable } from "../../netlink/nft/table.ts";
import type { Difference } from "../kind.ts";
import { type ChainRule, missingRules } from "./sharedRules.ts";

export { textOf } from "./sharedRules.ts";

import { table, tableComment } from "./table.ts";

const base: BaseChain = { type: "nat", hook: hook.postrouting, priority: priority.sourceNat };

/** RFC 5771, RFC 4291: multicast keeps its source. */
const multicast = { 4: "224.0.0.0/4", 6: "ff00::/8" } as const;

/** `ip saddr SUBNET ip daddr != SUBNET ip daddr != 224.0.0.0/4 masquerade` */
function ruleFor(subnet: Cidr): Expression[] {
  const prefix = { address: addressBytes(subnet), length: subnet.prefixLength };
  const group = parseCidr(multicast[subnet.family])!;
  return [
    ...matchProtocolOf(prefix.address),
    ...matchAddress("source", prefix),
    ...matchAddress("destination", prefix, false),
    ...matchAddress("destination", { address: addressBytes(group), length: group.prefixLength }, false),
    masqueradeExpression,
  ];
}

/**
 * Packets from one port of a bridge to another keep their source. With br_netfilter they pass this chain without an input
 * interface, like the host's own packets; but those have a source address of the host.
 */
export const isBridged: Expression[] = [
  ...[loadMeta(metaKey.inIndex), equals(new Uint8Array(4))],
  ...[loadMeta(metaKey.outKind), equals(linkNameBytes("bridge"))],
  ...[loadSourceType, differs(localType)],
  leave,
];

/** The whole chain of a network, whatever it contains now. */
export function rulesOf(network: string, chain: string, cidrs: readonly Cidr[]): Message[] {
  const messages = [
    newTable(table, tableComment),
    newChain(table, chain, base, `network ${network}`),
    flushChain(table, chain), // another ADD was first, or an earlier version wrote other rules
    newRule(table, chain, isBridged),
  ];
  for (const subnet of cidrs) messages.push(newRule(table, chain, ruleFor(subnet), network));
  return messages;
}

/** The rules in order. */
export const rulesIn = (chain: string, cidrs: readonly Cidr[]): ChainRule[] => [
  { chain, expressions: isBridged },
  ...cidrs.map((cidr) => ({ chain, expressions: ruleFor(cidr) })),
];

/** The rules that an existing chain lacks. */
export function missingMasquerade(kernel: Kernel, chain: string, cidrs: readonly Cidr[]): Difference[] {
  return missingRules(table, rulesIn(chain, cidrs), kernel);
}
