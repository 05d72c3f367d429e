/** The store: one SQLite file that says which attachment exists, how far it got, and which addresses it holds. Its contract: store.ts. */
export { bootId, InProgress, isInProgress, isInterrupted, thisProcess } from "./claim.ts";
export { StoreDamaged, StoreNewer } from "./file/damaged.ts";
export { openExistingStore, openStore } from "./file/open.ts";
