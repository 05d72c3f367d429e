/** Makes the store's file. */
import { Database } from "bun:sqlite";
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync } from "node:fs";
import { openFlags } from "./path.ts";
import { schema } from "./schema.ts";

/**
 * Makes the store under another name and links it into place whole. So nobody ever sees half a store: of two processes
 * that make one at once, the second finds the name taken and uses what the first made; one killed midway leaves only
 * a file that nobody reads. For the same reason what `fill` writes is there from the first moment.
 */
export function createStore(dataDir: string, path: string, fill?: (draft: string, database: Database) => void): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const draft = `${path}.new-${crypto.randomUUID()}`;
  try {
    // SQLite gives its -wal and -shm files the mode of the file itself.
    const file = openSync(draft, "wx", 0o600);
    try {
      using database = new Database(draft, openFlags);
      database.run(schema);
      if (fill !== undefined) {
        fill(draft, database);
        database.run("PRAGMA wal_checkpoint(TRUNCATE)"); // the log is not linked into place with the file
      }
      database.close();
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    removeLostLog(path);
    linkIfAbsent(draft, path);
  } finally {
    removeDraft(draft);
  }
}

/** A log that lost its file, because somebody deleted that alone: SQLite would read it as if it were the new file's. */
function removeLostLog(path: string): void {
  if (!existsSync(`${path}-wal`) || existsSync(path)) return;
  for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
}

function linkIfAbsent(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function removeDraft(draft: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(draft + suffix, { force: true });
}
