/** Refusals by SQLite and the file system as Faults with a cure. */

import type { StoreFile } from "./damaged.ts";
import defer * as explainRefusal from "./explainRefusal.ts";

/** Runs `body`. A refusal by the file or the disk becomes a Fault that names the store. */
export function guarded<T>(file: StoreFile, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw explainRefusal.storeFault(file, error);
  }
}
