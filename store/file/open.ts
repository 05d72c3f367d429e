/** Finds, creates and opens the store's file: `<dataDir>/ns-net.sqlite`. */

import { Database } from "bun:sqlite";
import { statusIfThere } from "../../sys/files.ts";
import { isShared } from "../../sys/sharedProcess.ts";
import { SqliteStore } from "../sqlite.ts";
import type { Fill, Store } from "../store.ts";
import defer * as create from "./create.ts";
import type { StoreFile } from "./damaged.ts";
import { guarded } from "./failure.ts";
import { requireOwnFolder } from "./folder.ts";
import type { Opened } from "./keptOpen.ts";
import defer * as keptOpen from "./keptOpen.ts";
import { busyTimeoutMsHere } from "./limits.ts";
import defer * as otherFormat from "./otherFormat.ts";
import { openFlags, storePathOf } from "./path.ts";
import defer * as throughLinks from "./throughLinks.ts";
import { applicationId, formatOf, schemaVersion } from "./version.ts";

/**
 * Opens the store for ADD, and creates it if there is none: the folder with mode 0700, the file with 0600. `fill` runs for
 * a new store, and for one that replaces a store of the first format, which is refused without `fill`.
 */
export function openStore(dataDir: string, busyTimeoutMs = busyTimeoutMsHere(), fill?: Fill): Store {
  return located(dataDir, busyTimeoutMs, (file, folder) => {
    requireOwnFolder(folder);
    if (statusIfThere(file.path) === undefined) {
      const filled =
        fill && ((path: string, database: Database) => fill(new SqliteStore({ path, busyTimeoutMs }, database)));
      try {
        create.createStore(folder, file.path, filled);
      } catch (error) {
        // Another process created it meanwhile; this one may have failed because lists kept changing.
        if (statusIfThere(file.path) === undefined) throw error;
      }
    }
    return open(file, fill);
  });
}

/** Opens the store for a caller that needs it only if it exists (DEL, ls): undefined, and nothing created, if there is none. */
export function openExistingStore(
  dataDir: string,
  busyTimeoutMs = busyTimeoutMsHere(),
  fill?: Fill,
): Store | undefined {
  return located(dataDir, busyTimeoutMs, (file, folder) => {
    if (statusIfThere(file.path) === undefined) return undefined;
    requireOwnFolder(folder);
    return open(file, fill);
  });
}

/** Runs `body` on the file of the store. SQLite refuses a path through symbolic links: if they can be trusted, runs it again on the real path. */
function located<T>(dataDir: string, busyTimeoutMs: number, body: (file: StoreFile, folder: string) => T): T {
  const file = { path: storePathOf(dataDir), busyTimeoutMs };
  return guarded(file, () => {
    try {
      return body(file, dataDir);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "SQLITE_CANTOPEN_SYMLINK") throw error;
      const folder = throughLinks.folderThroughLinks(dataDir);
      if (folder === undefined) throw error;
      return body({ path: storePathOf(folder), busyTimeoutMs }, folder);
    }
  });
}

function open(file: StoreFile, fill: Fill | undefined): Store {
  return isShared() ? keptOpen.keptOpen(file, () => openNew(file, fill)) : openNew(file, fill).store;
}

function openNew(file: StoreFile, fill: Fill | undefined): Opened {
  const { path, busyTimeoutMs } = file;
  const database = new Database(path, openFlags);
  try {
    // A commit need not reach the disk, because what it describes ends with the boot. NORMAL never corrupts the file.
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0`);
    const { application, version } = formatOf(database);
    if (application !== applicationId || version !== schemaVersion) otherFormat.makeCurrent(file, database, fill);
    return { store: new SqliteStore(file, database, isShared()), database };
  } catch (error) {
    database.close();
    throw error;
  }
}
