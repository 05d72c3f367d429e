/** Finds, makes and opens the store's file: `<dataDir>/ns-net.sqlite`. */
import { constants, Database } from "bun:sqlite";
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import type { Store } from "../store.ts";
import { asideCure, guarded, type StoreFile } from "./failure.ts";
import { busyTimeoutMsDefault } from "./limits.ts";
import { schema, schemaVersion } from "./schema.ts";
import { SqliteStore } from "./sqlite.ts";

/** SQLITE_OPEN_NOFOLLOW, https://sqlite.org/c3ref/open.html; Bun's constants lack it. */
const noFollow = 0x0100_0000;

export function storePathOf(dataDir: string): string {
  return join(dataDir, "ns-net.sqlite");
}

/** Opens the store for ADD, and makes it if there is none: the folder with mode 0700, the file with 0600. */
export function openStore(dataDir: string, busyTimeoutMs = busyTimeoutMsDefault): Store {
  const file = { path: storePathOf(dataDir), busyTimeoutMs };
  return guarded(file, () => {
    if (!existsSync(file.path)) create(dataDir, file.path);
    return open(file);
  });
}

/** Opens the store for whoever only needs it if it is there (DEL, ls): undefined, and nothing made, if there is none. */
export function openExistingStore(dataDir: string, busyTimeoutMs = busyTimeoutMsDefault): Store | undefined {
  const file = { path: storePathOf(dataDir), busyTimeoutMs };
  return guarded(file, () => (existsSync(file.path) ? open(file) : undefined));
}

function open(file: StoreFile): Store {
  const { path, busyTimeoutMs } = file;
  const database = new Database(path, constants.SQLITE_OPEN_READWRITE | noFollow);
  try {
    // A commit need not reach the disk: what it describes dies with the machine. NORMAL still never tears the file.
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0`);
    requireVersion(path, Number(database.prepare("PRAGMA user_version").values()[0]?.[0]));
    return new SqliteStore(file, database);
  } catch (error) {
    database.close();
    throw error;
  }
}

function requireVersion(path: string, version: number): void {
  if (version === schemaVersion) return;
  if (version > schemaVersion) {
    throw new Fault(
      code.io,
      `Cannot use the store ${path}: a newer ns-net wrote it (schema ${version}, this one knows ${schemaVersion})`,
      "Install that newer version again, or set another dataDir",
    );
  }
  throw new Fault(code.io, `Cannot use the store ${path}: it is not a store of ns-net`, asideCure(path));
}

/**
 * Makes the store under another name and links it into place whole. So nobody ever sees half a store: of two processes
 * that make one at once, the second finds the name taken and uses what the first made; one killed midway leaves only
 * a file that nobody reads.
 */
function create(dataDir: string, path: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const draft = `${path}.new-${process.pid}`;
  removeDraft(draft);
  try {
    // SQLite gives its -wal and -shm files the mode of the file itself.
    const file = openSync(draft, "wx", 0o600);
    try {
      using database = new Database(draft, constants.SQLITE_OPEN_READWRITE | noFollow);
      database.run(schema);
      database.close();
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkIfAbsent(draft, path);
  } finally {
    removeDraft(draft);
  }
}

function linkIfAbsent(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function removeDraft(draft: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(draft + suffix, { force: true });
}
