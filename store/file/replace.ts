/**
 * Replaces a store of the first format (`application_id` 0), which no version reads any more: copies it aside, empties it
 * and fills it again, in one transaction. It does not rename the file: SQLite finds the log by the file's name, so a
 * process that had just opened the old file would use the new file's log.
 */
import { Database } from "bun:sqlite";
import { closeSync, openSync, rmSync } from "node:fs";
import { SqliteStore } from "../sqlite.ts";
import type { Fill } from "../store.ts";
import type { StoreFile } from "./damaged.ts";
import { openFlags } from "./path.ts";
import { tables } from "./schema.ts";
import { asideName } from "./setAside.ts";
import { formatOf } from "./version.ts";

/** If two processes do it at once, the second finds it done. If `fill` throws, the store stays as it was. */
export function replaceStore(file: StoreFile, database: Database, fill: Fill): void {
  const aside = asideName(file.path, "old");
  let isCreated = false;
  database.run("BEGIN IMMEDIATE");
  try {
    if (formatOf(database).application === 0) {
      closeSync(openSync(aside, "wx", 0o600));
      isCreated = true;
      copyTo(aside, file.path);
      dropTables(database);
      database.run(tables);
      fill(new SqliteStore(file, database), aside);
    }
    database.run("COMMIT");
  } catch (error) {
    if (database.inTransaction) database.run("ROLLBACK");
    if (isCreated) rmSync(aside, { force: true }); // the name may be that of another process's copy
    throw error;
  }
}

/** Copies the committed contents, log included, into an empty file that has its mode already. */
function copyTo(aside: string, path: string): void {
  using database = new Database(path, openFlags);
  database.prepare("VACUUM INTO ?").run(aside);
}

/** SQLite drops indexes and triggers with their tables. */
function dropTables(database: Database): void {
  const tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
  for (const [name] of database.prepare(tables).values()) database.run(`DROP TABLE "${name}"`);
}
