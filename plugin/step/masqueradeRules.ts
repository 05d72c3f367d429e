/** The rules of a masquerading chain: written, and compared with what stands. */
import { type Cidr, formatCidr, parseCidr } from "../../conf/address.ts";
import type { Message } from "../../netlink/message.ts";
import { type BaseChain, hook, newChain, priority } from "../../netlink/nft/chain.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { expressionText } from "../../netlink/nft/expr/index.ts";
import { masquerade as masqueradeExpression } from "../../netlink/nft/expr/masquerade.ts";
import { matchAddress, matchProtocolOf } from "../../netlink/nft/match.ts";
import { flushChain, listRules, newRule } from "../../netlink/nft/rule.ts";
import { newTable } from "../../netlink/nft/table.ts";
import type { Kernel } from "../kernel.ts";
import { addressBytes } from "../names.ts";
import { table, tableComment } from "../table.ts";
import { chainOf, type MasqueradeStep } from "./masquerade.ts";
import { type Difference, missing } from "./step.ts";

const base: BaseChain = { type: "nat", hook: hook.postrouting, priority: priority.sourceNat };

/** RFC 5771, RFC 4291: multicast keeps its source. */
export const multicast = { 4: "224.0.0.0/4", 6: "ff00::/8" } as const;

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

export function rulesOf(step: MasqueradeStep): Message[] {
  const { chain, cidrs } = chainOf(step);
  const messages = [
    newTable(table, tableComment),
    newChain(table, chain, base, `network ${step.network}`),
    flushChain(table, chain), // of another ADD that was first
  ];
  for (const subnet of cidrs) messages.push(newRule(table, chain, ruleFor(subnet), step.network));
  return messages;
}

/** The rules that a standing chain lacks. */
export function missingRules(kernel: Kernel, chain: string, cidrs: readonly Cidr[]): Difference[] {
  const found: string[] = [];
  for (const rule of listRules(kernel.netfilter, table, chain))
    found.push(shape((rule.expressions ?? []) as Expression[]));
  return cidrs.flatMap((cidr) =>
    found.includes(shape(ruleFor(cidr))) ? [] : missing(`masquerade rule for ${formatCidr(cidr)}`),
  );
}

/** A rule's expressions as text, to compare one the kernel tells with one we would write. */
export function shape(expressions: readonly Expression[]): string {
  return expressions.map(expressionText).join("\n");
}
