/** Keeps the write-ahead log short: https://sqlite.org/wal.html, "Avoiding Excessively Large WAL Files". */
import type { Database } from "bun:sqlite";
import { statusIfThere } from "../../sys/files.ts";
import type { StoreFile } from "./damaged.ts";

/**
 * Empties the log if it is longer than `bytesMax`. Never waits: if another process reads or writes, it does as much as it
 * can, and the next call does the rest.
 *
 * SQLite's own `wal_autocheckpoint` does not help. It copies the log into the file, but the next writer restarts the log,
 * and only running processes know how far it was copied. Ours run one after the other, so each would read the whole log,
 * append to it and copy it again (tried: 260 ADDs, 1.8 MB, and three calls of fsync in each).
 */
export function shortenLog({ path, busyTimeoutMs }: StoreFile, database: Database, bytesMax: number): void {
  const log = statusIfThere(`${path}-wal`);
  if (log === undefined || log.size <= bytesMax) return;
  try {
    database.run("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // The log is complete; the next write reports a full or broken disk.
  } finally {
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  }
}
