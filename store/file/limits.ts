/** Limits of ours, in one place. */

/** Waiting for another writer, whose transactions take about a millisecond. */
export const busyTimeoutMsDefault = 10_000;

/**
 * Bytes of the write-ahead log from which on it is emptied, by whoever comes by.
 *
 * The first process to open the store reads the log whole: measured, an open and `_exit` cost 0.9 ms with a log of
 * 64 KiB, 1.3 with 256, 1.6 with 512, 2.9 with 1,024 and 5.3 with 4,096. An ADD adds 6 to 8 KiB. Emptying takes
 * three calls of fsync, so DEL, which has to wait for the kernel anyway, does it early, and ADD only when no DEL came.
 */
export const logBytesMax = { attached: 512 * 1024, remove: 256 * 1024 } as const;
