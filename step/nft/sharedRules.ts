/**
 * Rules of nf_tables that attachments share. The first attachment that needs them writes them. `nft flush table` removes
 * rules and leaves chains and sets, so code that looks for the rules must look for a rule.
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

/** The rule in nft's syntax, printed from the expressions that are sent. */
export const textOf = ({ expressions }: ChainRule): string => print.ruleText(expressions);

/** The rules that their chains lack. */
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

/** The messages that replace the contents of their existing chains by the rules. */
export function replacedRules(table: Table, rules: readonly ChainRule[]): Message[] {
  return [
    ...chainsOf(rules).map((chain) => flushChain(table, chain)),
    ...rules.map(({ chain, expressions }) => newRule(table, chain, expressions)),
  ];
}

function chainsOf(rules: readonly ChainRule[]): string[] {
  return [...new Set(rules.map(({ chain }) => chain))];
}

/** A rule's expressions as text, to compare the kernel's rule with ours. */
function shape(expressions: readonly Expression[]): string {
  return expressions.map(expressionText).join("\n");
}
