/** Stores that a process which serves several calls keeps open from one call to the next. */
import type { Database } from "bun:sqlite";
import { fileStatus } from "../../sys/files.ts";
import type { SqliteStore } from "../sqlite.ts";
import type { Store } from "../store.ts";
import type { StoreFile } from "./damaged.ts";
import { applicationId, formatOf, schemaVersion } from "./version.ts";

export interface Opened {
  readonly store: SqliteStore;
  readonly database: Database;
}

interface Kept extends Opened {
  readonly device: bigint;
  readonly inode: bigint;
}

const kept = new Map<string, Kept>();

/** The store that is open already; opened by `open` if there is none, or if its file was replaced or migrated since. */
export function keptOpen(file: StoreFile, open: () => Opened): Store {
  const { device, inode } = fileStatus(file.path);
  const known = kept.get(file.path);
  if (known && known.device === device && known.inode === inode && isCurrent(known)) return known.store;
  kept.delete(file.path); // another call may be at work with it, so it is not closed here
  const opened = open();
  opened.store.keepOpen();
  kept.set(file.path, { ...opened, ...fileStatus(file.path) });
  return opened.store;
}

/** A newer ns-net may have migrated the file. */
function isCurrent({ database }: Opened): boolean {
  const { application, version } = formatOf(database);
  return application === applicationId && version === schemaVersion;
}
