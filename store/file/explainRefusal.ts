/** Turns refusals by SQLite and the file system into Faults. Result codes: https://sqlite.org/rescode.html */
import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { code, Fault, forAudience, NotPermitted, type Words } from "../../conf/fault.ts";
import { KernelError } from "../../sys/errors.ts";
import { mayBlock } from "../../sys/sharedProcess.ts";
import { StoreDamaged, type StoreFile } from "./damaged.ts";
import { writerOf } from "./writer.ts";

/** Answers other errors unchanged. SQLite and `node:fs` name their errors by `code`, a KernelError by the `symbol` of its errno. */
export function storeFault({ path: storePath, busyTimeoutMs }: StoreFile, error: unknown): unknown {
  const named = error as { code?: unknown; symbol?: unknown } | null;
  const reason = named?.code ?? named?.symbol;
  if (error instanceof Fault || typeof reason !== "string") return error;
  // The error came from filling a new store, not from its file.
  if (error instanceof KernelError && !error.operation.includes(dirname(storePath))) return error;
  if (/^SQLITE_(NOTADB|CORRUPT|FORMAT|SCHEMA)/.test(reason)) {
    return new StoreDamaged(storePath, "it is not a store of ns-net, or is damaged");
  }
  if (/^(SQLITE_(READONLY|PERM|AUTH)|SQLITE_CANTOPEN$|EACCES|EPERM)/.test(reason) && process.geteuid!() !== 0) {
    const cure = forAudience(
      "Run it as root, or set a dataDir that is this user's own",
      "Run it as root, or give a --data-dir that is this user's own",
    );
    return new NotPermitted(code.io, `Cannot use the store ${storePath}: this user may not`, cure);
  }
  if (/^SQLITE_CANTOPEN$|^EMFILE/.test(reason) && isOutOfFiles()) {
    const cure = "Raise the caller's limit of open files: ulimit -n 1024";
    return new Fault(code.io, `Cannot use the store ${storePath}: this process may not open more files`, cure);
  }
  const found = cures.find(([pattern]) => pattern.test(reason));
  if (reason.startsWith("SQLITE_BUSY")) return busy(storePath, busyTimeoutMs);
  const message = error instanceof Error ? error.message : String(error);
  if (found === undefined) return new Fault(code.io, `Cannot use the store ${storePath}: ${message} (${reason})`);
  const [, what, cure] = found;
  return new Fault(code.io, `Cannot use the store ${storePath}: ${what}`, cure(storePath));
}

/** The store's file, its log, its index, and the draft of a new store. */
const filesNeeded = 4;

/** SQLite says only that it cannot open the file. By now it has closed the others, so opening as many shows whether the limit is the cause. */
function isOutOfFiles(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < filesNeeded) opened.push(openSync("/dev/null", "r"));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EMFILE";
  } finally {
    for (const file of opened) closeSync(file);
  }
}

function busy(storePath: string, busyTimeoutMs: number): Fault {
  mayBlock(`wait for another writer of ${storePath}`, true);
  const writer = writerOf(storePath) ?? "another process";
  return new Fault(
    code.tryAgain,
    `Cannot write the store ${storePath}: ${writer} held it for more than ${busyTimeoutMs / 1000} s`,
    "Try again; if it persists, end that process, which releases the store",
  );
}

/** By the name of SQLite's code or of the errno. The first match counts. */
const cures: readonly (readonly [RegExp, string, (storePath: string) => Words])[] = [
  [
    /^(SQLITE_FULL|SQLITE_IOERR_SHMSIZE|ENOSPC|EDQUOT)/,
    "the disk is full",
    (path) => `Free space on the file system of ${dirname(path)}`,
  ],
  [
    /^(SQLITE_(READONLY|PERM|AUTH)|EACCES|EPERM|EROFS)/,
    "it may not be written",
    (path) => {
      const root = `Run as root, and make ${dirname(path)} writable (a read-only file system?)`;
      return forAudience(`${root}, or set another dataDir`, `${root}, or give another --data-dir`);
    },
  ],
  [
    /^(SQLITE_CANTOPEN_SYMLINK|ELOOP)/,
    "it is a symbolic link",
    (path) => {
      const folder = `the folder that ${path} is meant to be in`;
      return forAudience(
        `Remove the link, and set dataDir to ${folder}`,
        `Remove the link, and give as --data-dir ${folder}`,
      );
    },
  ],
  [
    /^(SQLITE_CANTOPEN|ENOTDIR|EEXIST|EISDIR|ENOENT|ENAMETOOLONG)/,
    "it cannot be opened",
    (path) => `Check that ${dirname(path)} is a folder that this user may write to, and ${path} a regular file`,
  ],
  [
    /^SQLITE_IOERR/,
    "reading or writing it failed",
    (path) => `Check the disk that holds ${dirname(path)}: its free space, and the kernel's log`,
  ],
];
