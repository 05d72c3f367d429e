/** Limits of ours, in one place. */

/** Waiting for another writer, whose transactions take about a millisecond. */
export const busyTimeoutMs = 10_000;

export const logPages = { add: 512, other: 256 } as const;
