import { answerTable } from "./schema.ts";

/** SQL that migrates a store to the next schema version: the first entry leads from 1 to 2. Change store/file/schema.ts, too. */
export const migrations: readonly string[] = [
  // Names of calls that were handed over, and results until their callers have them.
  `ALTER TABLE attachment ADD COLUMN call_id TEXT NOT NULL DEFAULT '';
${answerTable}`,
];
