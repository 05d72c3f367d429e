/** The input of an expression while a rule runs, and its possible answers. */
import type { Ruleset } from "../../../netlink/nft/read/ruleset.ts";
import type { Passage, Place } from "../passage.ts";
import type { Registers } from "../registers.ts";

export interface RuleRun {
  readonly passage: Passage;
  readonly ruleset: Ruleset;
  readonly place: Place;
  readonly registers: Registers;
  /** A number from 0 on for what is not known. `what` names it: `limit`. */
  choose(options: number, what: string): number;
}

/** NF_* and NFT_*: drop 0, accept 1, jump -3, goto -4, return -5. */
export interface RuleVerdict {
  readonly code: number;
  readonly chain?: string | undefined;
}

/** `break`: the rule does not match. Undefined: the next expression follows. */
export type Step = "break" | RuleVerdict | undefined;

export type Evaluate = (data: Uint8Array, run: RuleRun) => Step;

export const drop: RuleVerdict = { code: 0 };
export const accept: RuleVerdict = { code: 1 };

/** Continues if the choice is 1: for a match that is not evaluated. */
export function maybe(run: RuleRun, what: string): Step {
  return run.choose(2, what) === 1 ? undefined : "break";
}
