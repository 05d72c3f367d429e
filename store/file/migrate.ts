/** Migrates a store of an earlier schema in one transaction, while other processes may have it open. */
import type { Database } from "bun:sqlite";
import { formatOf } from "./version.ts";

/** If two processes migrate at once, the second finds it done. If a migration fails, the store stays as it was. */
export function migrate(database: Database, migrations: readonly string[]): void {
  database.run("BEGIN IMMEDIATE");
  try {
    const from = formatOf(database).version;
    for (const migration of migrations.slice(from - 1)) database.run(migration);
    database.run(`PRAGMA user_version = ${Math.max(from, migrations.length + 1)}`);
    database.run("COMMIT");
  } catch (error) {
    if (database.inTransaction) database.run("ROLLBACK");
    throw error;
  }
}
