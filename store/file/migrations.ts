/** SQL that migrates a store to the next schema version: the first entry leads from 1 to 2. Change store/file/schema.ts, too. */
export const migrations: readonly string[] = [];
