/** Stores that a process which serves several calls keeps open from one call to the next. */
import type { Database } from "bun:sqlite";
import { dirname } from "node:path";
import { fileStatus, statusIfThere } from "../../sys/files.ts";
import type { SqliteStore } from "../sqlite.ts";
import type { Store } from "../store.ts";
import type { StoreFile } from "./damaged.ts";
import { applicationId, schemaVersion } from "./version.ts";

export interface Opened {
  readonly store: SqliteStore;
  readonly database: Database;
}

interface Kept extends Opened {
  readonly file: string;
  /** Absent until SQLite has created the log. */
  log: string | undefined;
}

const kept = new Map<string, Kept>();

/** The store that is open already; opened by `open` if there is none, or if its file was replaced or migrated since. */
export function keptOpen({ path }: StoreFile, open: () => Opened): Store {
  const known = kept.get(path);
  if (known && isSame(known, path) && isCurrent(known)) return known.store;
  kept.delete(path); // another call may be at work with it, so it is not closed here
  const opened = open();
  kept.set(path, { ...opened, file: identity(fileStatus(path)), log: logOf(path) });
  return opened.store;
}

/** The folders of the stores that are open. */
export const openFolders = (): string[] => [...kept.keys()].map(dirname);

/** A program that replaces the file, or its content, removes the log. */
function isSame(known: Kept, path: string): boolean {
  if (known.file !== identity(fileStatus(path))) return false;
  const log = logOf(path);
  known.log ??= log;
  return known.log === log;
}

function logOf(path: string): string | undefined {
  const found = statusIfThere(`${path}-wal`);
  return found && identity(found);
}

const identity = ({ device, inode }: { device: bigint; inode: bigint }) => `${device} ${inode}`;

/** A newer ns-net may have migrated the file. */
function isCurrent({ database }: Opened): boolean {
  // Prepared once a connection: a statement a call would stay until the next collection of garbage.
  const numberOf = (name: string) => Number(database.query(`PRAGMA ${name}`).values()[0]?.[0]);
  return numberOf("application_id") === applicationId && numberOf("user_version") === schemaVersion;
}
