/** What makes a store of each schema version one of the next: the first entry leads from 1 to 2. Change store/file/schema.ts, too. */
export const migrations: readonly string[] = [];
