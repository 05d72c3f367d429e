/**
 * Rules of nf_tables that attachments share. They are written once, with the first that needs them, so nobody would
 * notice that they were flushed: `nft flush table` leaves the chains and the sets as they are.
 */

import type { Kernel } from "../../kernel/kernel.ts";
import type { Message } from "../../netlink/message.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { expressionText } from "../../netlink/nft/expr/index.ts";
import defer * as print from "../../netlink/nft/print.ts";
import { flushChain, listRules, newRule } from "../../netlink/nft/rule.ts";
import type { Table } from "../../netlink/nft/table.ts";
import { type Difference, missing } from "../kind.ts";

export interface ChainRule {
  readonly chain: string;
  readonly expressions: readonly Expression[];
}

/** The rule as nft has it, read from what is sent. */
export const textOf = ({ expressions }: ChainRule): string => print.ruleText(expressions);

/** Those that do not stand in their chains. */
export function missingRules(table: Table, rules: readonly ChainRule[], kernel: Kernel): Difference[] {
  const found = new Set<string>();
  for (const chain of chainsOf(rules)) {
    for (const { expressions = [] } of listRules(kernel.netfilter, table, chain))
      found.add(`${chain} ${shape(expressions as Expression[])}`);
  }
  return rules.flatMap((rule) =>
    found.has(`${rule.chain} ${shape(rule.expressions)}`) ? [] : missing(`rule ${rule.chain} ${textOf(rule)}`),
  );
}

/** What puts them into their chains, which stand, in place of whatever is there. */
export function writtenAnew(table: Table, rules: readonly ChainRule[]): Message[] {
  return [
    ...chainsOf(rules).map((chain) => flushChain(table, chain)),
    ...rules.map(({ chain, expressions }) => newRule(table, chain, expressions)),
  ];
}

function chainsOf(rules: readonly ChainRule[]): string[] {
  return [...new Set(rules.map(({ chain }) => chain))];
}

/** A rule's expressions as text, to compare one the kernel tells with one we would write. */
function shape(expressions: readonly Expression[]): string {
  return expressions.map(expressionText).join("\n");
}
