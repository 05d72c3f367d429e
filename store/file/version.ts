/** The numbers in a file's header by which this version recognizes a store that it can read. */
import type { Database } from "bun:sqlite";

/** `PRAGMA application_id`: "nsnt" in ASCII. Files of the first format, which no version reads any more, have 0. */
export const applicationId = 0x6e736e74;

/** `PRAGMA user_version`. A file with a later one is refused; raise it with every entry of store/file/migrations.ts. */
export const schemaVersion = 2;

export interface Format {
  readonly application: number;
  readonly version: number;
}

/** Two short statements cost less than one that reads both (57 µs to 153, cold). */
export function formatOf(database: Database): Format {
  return { application: numberOf("application_id", database), version: numberOf("user_version", database) };
}

function numberOf(name: string, database: Database): number {
  return Number(database.prepare(`PRAGMA ${name}`).values()[0]?.[0]);
}
