/** A kind of fault. It is tried many times, each followed by the runtime's next calls and a count of what is left. */
import type { Losses } from "../losses.ts";

export interface Options {
  /** Only a sample of the faults, for the tests. */
  readonly short: boolean;
  /** Chooses the sample, and is where `random` begins. */
  readonly seed: number;
  readonly random: () => number;
}

export interface Kind {
  readonly title: string;
  run(options: Options): Promise<Losses> | Losses;
}

/** Random numbers from a seed (mulberry32), so that a run can be repeated. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
