/**
 * The store: one SQLite file that says which attachment exists, how far it got, and which addresses it holds.
 * This file is the contract; store/file/open.ts opens it, store/sqlite.ts keeps it, store/file/schema.ts is the file's shape.
 */

export { bootId, InProgress, isInProgress, isInterrupted, thisProcess } from "./claim.ts";
export { StoreDamaged, StoreNewer } from "./file/damaged.ts";
export { openExistingStore, openStore } from "./file/open.ts";
