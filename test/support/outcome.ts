/** A worker's report to the runner about one test file. */
export interface Failure {
  readonly title: string;
  /** Message, difference and stack, ready to print. */
  readonly text: string;
}

export interface Skip {
  readonly title: string;
  readonly reason: string;
}

/** Keys of `throughAgent`. Calls of container runtimes are not counted as made. */
export const callsMade = "made";
export const callsServed = "served";

export interface Outcome {
  readonly file: string;
  readonly passed: number;
  readonly failures: readonly Failure[];
  readonly skips: readonly Skip[];
  readonly durationMs: number;
  /** The CPU time of the file and of the processes that it started. Only with `--cpu`. */
  readonly cpuMs?: number;
  /** With `--agent`: how many calls were made and served, and how many agents left to the executable, by reason. */
  readonly throughAgent?: Readonly<Record<string, number>>;
}

/** The runner's messages to a worker. */
export interface Order {
  readonly file: string;
  readonly grep?: string;
}
