/** Creates the store's file. */
import { Database } from "bun:sqlite";
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync } from "node:fs";
import { openFlags } from "./path.ts";
import { schema } from "./schema.ts";

/**
 * Creates the store under another name, fills it and links it into place, so that no process sees half a store. If two
 * processes create it at once, the second finds the name in use and uses the first one's. A killed process leaves a file
 * that no process reads.
 */
export function createStore(dataDir: string, path: string, fill?: (draft: string, database: Database) => void): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const draft = `${path}.new-${crypto.randomUUID()}`;
  try {
    // SQLite gives its -wal and -shm files the mode of this file.
    const file = openSync(draft, "wx", 0o600);
    try {
      using database = new Database(draft, openFlags);
      database.run(schema);
      if (fill !== undefined) {
        fill(draft, database);
        database.run("PRAGMA wal_checkpoint(TRUNCATE)"); // only the file is linked into place, not the log
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

/** Removes a log whose file was deleted: SQLite would read it as the new file's. */
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
