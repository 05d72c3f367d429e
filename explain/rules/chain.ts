/** Runs one base chain and the chains that its rules jump to. net/netfilter/nf_tables_core.c, nft_do_chain. */
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import type { Ruleset } from "../../netlink/nft/read/ruleset.ts";
import type { ReadChain } from "../../netlink/nft/read/tables.ts";
import type { Rule } from "../../netlink/nft/rule.ts";
import { evaluatorOf } from "./expression/index.ts";
import type { RuleVerdict, Step } from "./expression/rule.ts";
import type { Passage, Place, TrailEntry } from "./passage.ts";
import { Registers } from "./registers.ts";
import { placeText } from "./words.ts";

/** NF_DROP, NF_ACCEPT, NFT_JUMP, NFT_GOTO, NFT_RETURN. */
const code = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const;
/** NFT_CONTINUE: a verdict map may say it. */
const next = -1;

/** NFT_JUMP_STACK_SIZE */
const jumpsMax = 16;

export interface Decision {
  readonly verdict: "accept" | "drop";
  /** The rule, or the end of the chain whose policy it is. */
  readonly by: Place;
}

/** Answers the verdict of one base chain. Changes the passage as the rules do. */
export function runChain(base: ReadChain, passage: Passage, ruleset: Ruleset): Decision {
  const stack: { readonly chain: ReadChain; readonly at: number }[] = [];
  let chain = base;
  for (let at = 0; ; ) {
    const rule = ruleset.rules(chain)[at++];
    const step = rule === undefined ? { code: code.return } : runRule(rule, chain, passage, ruleset);
    if (step === "break") continue;
    if (rule !== undefined) passage.trail.push(entryOf(chain, rule, verdictText(step), "rule"));
    if (step === undefined || step.code === next) continue;
    if (step.code === code.accept || step.code === code.drop) {
      return { verdict: step.code === code.drop ? "drop" : "accept", by: placeOf(chain, rule) };
    }
    if (step.code === code.jump || step.code === code.goto) {
      const target = chainNamed(step.chain, chain, ruleset);
      if (step.code === code.jump) stack.push({ chain, at });
      if (target === undefined || stack.length > jumpsMax) return { verdict: "drop", by: placeOf(chain, rule) };
      [chain, at] = [target, 0];
      continue;
    }
    const back = stack.pop();
    if (back === undefined) return endOf(base, passage);
    ({ chain, at } = back);
  }
}

function endOf(base: ReadChain, passage: Passage): Decision {
  const verdict = base.base?.policy === code.drop ? "drop" : "accept";
  passage.trail.push(entryOf(base, undefined, verdict, "policy"));
  return { verdict, by: placeOf(base, undefined) };
}

function runRule(rule: Rule, chain: ReadChain, passage: Passage, ruleset: Ruleset): Step {
  const place = placeOf(chain, rule);
  const registers = new Registers();
  const choose = (options: number, what: string) => passage.choices.choose(options, `${what} in ${placeText(place)}`);
  const run = { passage, ruleset, place, registers, choose };
  for (const { name = "", data = new Uint8Array(0) } of (rule.expressions ?? []) as readonly Partial<Expression>[]) {
    const step = evaluatorOf(name)(data, run);
    if (step !== undefined) return step;
  }
  return undefined;
}

function chainNamed(name: string | undefined, { family, table }: ReadChain, { chains }: Ruleset) {
  return chains.find((one) => one.family === family && one.table === table && one.name === name);
}

function placeOf({ family, table, name }: ReadChain, rule: Rule | undefined): Place {
  return { family, table, chain: name, handle: rule?.handle };
}

function entryOf(chain: ReadChain, rule: Rule | undefined, verdict: string, kind: TrailEntry["kind"]): TrailEntry {
  return { ...placeOf(chain, rule), verdict, kind, comment: rule?.comment };
}

function verdictText(step: RuleVerdict | undefined): string {
  if (step === undefined || step.code === next) return "continue";
  const word = Object.entries(code).find(([, number]) => number === step.code)?.[0] ?? `verdict ${step.code}`;
  return step.chain === undefined ? word : `${word} ${step.chain}`;
}
