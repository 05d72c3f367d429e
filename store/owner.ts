/** The call that is at work on an entry, or was. */

export interface Owner {
  readonly bootId: string;
  readonly pid: number;
  readonly pidStart: bigint;
  readonly pidNamespace: bigint;
  /** The call, if it was handed over (sys/sharedProcess.ts); "" otherwise. */
  readonly call: string;
}

/** USER_HZ, the unit of start times in proc(5): 100 on all platforms of Bun. */
const ticksPerSecond = 100;

/**
 * When the call began, in milliseconds since boot. A process begins its only call at its start. An agent lives long; the
 * name of a call that was handed over begins with the time.
 */
export function beganMs({ pidStart, call }: Pick<Owner, "pidStart" | "call">): number {
  return call === "" ? (Number(pidStart) * 1000) / ticksPerSecond : Number.parseInt(call.slice(0, 12), 16);
}
