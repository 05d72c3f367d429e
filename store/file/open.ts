/** Finds, makes and opens the store's file: `<dataDir>/ns-net.sqlite`. */

import { Database } from "bun:sqlite";
import { statusIfThere } from "../../sys/files.ts";
import { SqliteStore } from "../sqlite.ts";
import type { Store } from "../store.ts";
import defer * as create from "./create.ts";
import { StoreDamaged, type StoreFile, StoreNewer } from "./damaged.ts";
import { guarded } from "./failure.ts";
import { requireOwnFolder } from "./folder.ts";
import { busyTimeoutMsDefault } from "./limits.ts";
import defer * as migrate from "./migrate.ts";
import { openFlags, storePathOf } from "./path.ts";
import { schemaVersion } from "./schema.ts";
import defer * as throughLinks from "./throughLinks.ts";

/**
 * Opens the store for ADD, and makes it if there is none: the folder with mode 0700, the file with 0600. `fill` writes
 * what is known of attachments that stand already before anybody else can see the new store.
 */
export function openStore(dataDir: string, busyTimeoutMs = busyTimeoutMsDefault, fill?: (draft: Store) => void): Store {
  return located(dataDir, busyTimeoutMs, (file, folder) => {
    requireOwnFolder(folder);
    if (statusIfThere(file.path) === undefined) {
      const filled =
        fill && ((path: string, database: Database) => fill(new SqliteStore({ path, busyTimeoutMs }, database)));
      try {
        create.createStore(folder, file.path, filled);
      } catch (error) {
        // Of several that make it at once the first has done it; another may fail over lists that change all the while.
        if (statusIfThere(file.path) === undefined) throw error;
      }
    }
    return open(file);
  });
}

/** Opens the store for whoever only needs it if it is there (DEL, ls): undefined, and nothing made, if there is none. */
export function openExistingStore(dataDir: string, busyTimeoutMs = busyTimeoutMsDefault): Store | undefined {
  return located(dataDir, busyTimeoutMs, (file, folder) => {
    if (statusIfThere(file.path) === undefined) return undefined;
    requireOwnFolder(folder);
    return open(file);
  });
}

/** Runs `body` on the file of the store; once more past the links on the way to it, which SQLite refuses, if they can be trusted. */
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

function open(file: StoreFile): Store {
  const { path, busyTimeoutMs } = file;
  const database = new Database(path, openFlags);
  try {
    // A commit need not reach the disk: what it describes dies with the machine. NORMAL still never tears the file.
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0`);
    requireVersion(path, database);
    return new SqliteStore(file, database);
  } catch (error) {
    database.close();
    throw error;
  }
}

function requireVersion(path: string, database: Database): void {
  const version = Number(database.prepare("PRAGMA user_version").values()[0]?.[0]);
  if (version === schemaVersion) return;
  if (version > 0 && version < schemaVersion) {
    migrate.migrate(database);
    return;
  }
  if (version > schemaVersion) throw new StoreNewer(path, version, schemaVersion);
  throw new StoreDamaged(path, "it is not a store of ns-net");
}
