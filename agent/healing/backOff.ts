/** Decides when to repair again. Two programs that restore against each other must not keep the machine busy. */

/** So many repairs of a kind within `windowMs` are done at once; each further one waits twice as long as the one before. */
const freeRepairs = 3;
const windowMs = 10_000;
const firstDelayMs = 1000;
const delayMsMax = 60_000;

/** The repairs of one kind of step. */
interface History {
  /** When repairs were made, in milliseconds. */
  madeMs: readonly number[];
  delayMs: number;
}

export class BackOff {
  readonly #histories = new Map<string, History>();

  /** How long a repair of that kind must wait. */
  delayMs(kind: string, nowMs: number): number {
    const { madeMs, delayMs } = this.#of(kind);
    const last = madeMs.at(-1);
    return last === undefined ? 0 : Math.max(0, last + delayMs - nowMs);
  }

  /** A repair of that kind was necessary. Answers how long the next one must wait. */
  repaired(kind: string, nowMs: number): number {
    const history = this.#of(kind);
    const spanMs = Math.max(windowMs, 2 * history.delayMs);
    history.madeMs = [...history.madeMs.filter((one) => nowMs - one < spanMs), nowMs];
    const isContested = history.madeMs.length > freeRepairs;
    history.delayMs = isContested ? Math.min(delayMsMax, Math.max(firstDelayMs, 2 * history.delayMs)) : 0;
    return history.delayMs;
  }

  #of(kind: string): History {
    const known = this.#histories.get(kind) ?? { madeMs: [], delayMs: 0 };
    this.#histories.set(kind, known);
    return known;
  }
}
