/**
 * A rate limit, a random number, an extension that is not evaluated: each is a choice, not known in advance. A run
 * is repeated with each way that its choices can go. Where all runs end alike, the choice did not matter; otherwise the
 * choices that made the difference are known by name.
 */

/** A choice that a run met. */
export interface Choice {
  /** The unknown thing, and where it is: `limit in table inet filter, chain forward, handle 7`. */
  readonly what: string;
  readonly options: number;
  readonly taken: number;
}

export class Choices {
  readonly met: Choice[] = [];
  readonly #wanted: readonly number[];

  constructor(wanted: readonly number[] = []) {
    this.#wanted = wanted;
  }

  /** A number from 0 on. Each call is a choice of its own: a limit may let one packet pass and not the next. */
  choose(options: number, what: string): number {
    const taken = this.#wanted[this.met.length] ?? 0;
    this.met.push({ what, options, taken });
    return taken;
  }
}

export interface Outcome<T> {
  readonly result: T;
  readonly choices: readonly Choice[];
}

export interface Explored<T> {
  readonly outcomes: readonly Outcome<T>[];
  /** False if there were more ways than `runsMax`. */
  readonly isComplete: boolean;
}

/** Each choice doubles the runs at most, and one run takes less than a millisecond. */
const runsMax = 128;

/** Runs `work` once for each way that its choices can go. `work` must depend on its choices alone. */
export function explore<T>(work: (choices: Choices) => T): Explored<T> {
  const waiting: (readonly number[])[] = [[]];
  const outcomes: Outcome<T>[] = [];
  for (let wanted = waiting.pop(); wanted !== undefined; wanted = waiting.pop()) {
    if (outcomes.length === runsMax) return { outcomes, isComplete: false };
    const choices = new Choices(wanted);
    outcomes.push({ result: work(choices), choices: choices.met });
    // The run took 0 at each choice beyond `wanted`: the other ways remain.
    for (let at = choices.met.length - 1; at >= wanted.length; at--) {
      const before = choices.met.slice(0, at).map(({ taken }) => taken);
      for (let other = choices.met[at]!.options - 1; other > 0; other--) waiting.push([...before, other]);
    }
  }
  return { outcomes, isComplete: true };
}

/**
 * The choices that lead from one kind of outcome to another, in the order met; empty if all outcomes are of one kind.
 * `kindOf` answers a text that is equal for outcomes that are alike.
 */
export function decisive<T>({ outcomes }: Explored<T>, kindOf: (result: T) => string): string[] {
  const found = new Set<string>();
  for (const [at, one] of outcomes.entries()) {
    for (const other of outcomes.slice(at + 1)) {
      if (kindOf(one.result) === kindOf(other.result)) continue;
      const fork = one.choices.findIndex(({ taken }, i) => taken !== other.choices[i]?.taken);
      const choice = one.choices[fork];
      if (choice !== undefined) found.add(choice.what);
    }
  }
  return [...found];
}
