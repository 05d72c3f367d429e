/** Limits of the store's file. */

import { isShared } from "../../sys/sharedProcess.ts";

/** How long to wait for another writer, whose transactions take about a millisecond. */
export const busyTimeoutMsDefault = 10_000;

/** For a process that has other calls to serve, and begins again later. */
const sharedBusyTimeoutMs = 50;

export const busyTimeoutMsHere = (): number => (isShared() ? sharedBusyTimeoutMs : busyTimeoutMsDefault);

/**
 * Bytes of the write-ahead log above which a call empties it.
 *
 * The first process to open the store reads the whole log. Measured, an open and `_exit` took 0.9 ms with a log of 64 KiB,
 * 1.3 with 256, 1.6 with 512, 2.9 with 1,024 and 5.3 with 4,096. An ADD adds 6 to 8 KiB. Emptying takes three calls of
 * fsync, so DEL, which waits for the kernel anyway, does it early, and ADD only if no DEL came.
 */
export const logBytesMax = { attached: 512 * 1024, remove: 256 * 1024 } as const;
