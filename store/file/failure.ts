/** What SQLite and the file system refuse, as a Fault with a cure. */

import type { StoreFile } from "./damaged.ts";
import defer * as explainRefusal from "./explainRefusal.ts";

/** Runs `body`; whatever the file or the disk refuses becomes a Fault that names the store. */
export function guarded<T>(file: StoreFile, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw explainRefusal.storeFault(file, error);
  }
}
