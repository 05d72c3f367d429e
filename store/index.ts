/** The store: one SQLite file with the attachments, how far each got, and its addresses. Its contract is store.ts. */
export { bootId, InProgress, isInProgress, isInterrupted, thisProcess } from "./claim.ts";
export { StoreDamaged, StoreNewer } from "./file/damaged.ts";
export { openExistingStore, openStore } from "./file/open.ts";
