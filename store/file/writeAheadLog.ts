/** Keeps the write-ahead log short: https://sqlite.org/wal.html, "Avoiding Excessively Large WAL Files". */
import type { Database } from "bun:sqlite";
import { statusIfThere } from "../../sys/files.ts";
import type { StoreFile } from "./damaged.ts";

/**
 * Empties the log when it is longer than `bytesMax`. Never waits: if another process reads or writes, it does what can
 * be done meanwhile and leaves the rest to the next.
 *
 * SQLite's own `wal_autocheckpoint` would not do. It copies the log into the file but leaves starting it anew to the
 * next writer, and how far it was copied is known to running processes only. Ours run one after the other, so each
 * would read the whole log, add to it and copy it again (tried: 260 ADDs, 1.8 MB, and three calls of fsync in each).
 */
export function shortenLog({ path, busyTimeoutMs }: StoreFile, database: Database, bytesMax: number): void {
  const log = statusIfThere(`${path}-wal`);
  if (log === undefined || log.size <= bytesMax) return;
  try {
    database.run("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // The log still holds everything; a disk that is full or broken shows in the next write.
  } finally {
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  }
}
