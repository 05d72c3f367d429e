/** The last results of tests and pings, for pictures and the live page. They live as long as the lab is what they tested. */
import type { Lab } from "../model/lab.ts";
import type { Pair } from "../tests/everyPair.ts";
import type { TestResult } from "../tests/run.ts";

export interface Kept<Result> {
  /** When the last of them came: milliseconds since 1970. */
  readonly atMs: number;
  readonly results: readonly Result[];
}

export class LastResults {
  readonly #tests = new WeakMap<Lab, Kept<TestResult>>();
  readonly #pairs = new WeakMap<Lab, { atMs: number; readonly byEnds: Map<string, Pair> }>();

  /** `lab` is the one that was tested: it may have changed since. */
  keepTests(lab: Lab, results: readonly TestResult[]): void {
    this.#tests.set(lab, { atMs: Date.now(), results });
  }

  /** All pairs or one; an earlier result of the same pair is replaced. */
  keepPairs(lab: Lab, pairs: readonly Pair[]): void {
    const kept = this.#pairs.get(lab) ?? { atMs: 0, byEnds: new Map<string, Pair>() };
    for (const pair of pairs) kept.byEnds.set(`${pair.from} ${pair.to}`, pair);
    this.#pairs.set(lab, { ...kept, atMs: Date.now() });
  }

  /** Null if none ran in this lab as it is. */
  testsOf(lab: Lab): Kept<TestResult> | null {
    return this.#tests.get(lab) ?? null;
  }

  pairsOf(lab: Lab): Kept<Pair> | null {
    const kept = this.#pairs.get(lab);
    return kept ? { atMs: kept.atMs, results: [...kept.byEnds.values()] } : null;
  }
}
