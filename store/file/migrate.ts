/** A store that an earlier version of ns-net wrote, brought up to date in one transaction, while others may have it open. */
import type { Database } from "bun:sqlite";
import { migrations, schemaVersion } from "./schema.ts";

export function versionOf(database: Database): number {
  return Number(database.prepare("PRAGMA user_version").values()[0]?.[0]);
}

/** Of two processes that do it at once, the second finds it done. */
export function migrate(database: Database): void {
  database.run("BEGIN IMMEDIATE");
  try {
    for (let version = versionOf(database); version < schemaVersion; version++) database.run(migrations[version]!);
    database.run(`PRAGMA user_version = ${schemaVersion}`);
    database.run("COMMIT");
  } catch (error) {
    if (database.inTransaction) database.run("ROLLBACK");
    throw error;
  }
}
