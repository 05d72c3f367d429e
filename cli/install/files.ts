/**
 * Replaces files whole, so that a program that reads or runs the old one is not disturbed and never sees half a file.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { code, Fault, NotPermitted } from "../../conf/fault.ts";

/** The changes so far, and how to undo them if a later part fails. */
export class Undo {
  readonly #steps: (() => void)[] = [];
  readonly #kept: string[] = [];

  add(step: () => void): void {
    this.#steps.push(step);
  }

  /** Keeps the present state of the path, so that `run` restores it. Until `forget` a file there has a second name. */
  keep(path: string): void {
    if (!existsSync(path)) {
      this.add(() => rmSync(path, { force: true }));
      return;
    }
    const old = join(dirname(path), `.ns-net-${process.pid}-${basename(path)}.old`);
    touching(`keep ${path} until all is done`, "Run it as root, or choose another folder", () => linkSync(path, old));
    this.#kept.push(old);
    this.add(() => renameSync(old, path));
  }

  /** Drops what was kept: everything succeeded. */
  forget(): void {
    for (const old of this.#kept) rmSync(old, { force: true });
  }

  run(): void {
    for (const step of this.#steps.reverse()) {
      try {
        step();
      } catch {
        // The first failure is reported.
      }
    }
    this.forget(); // rename(2) between two names of one file leaves both
  }
}

/** Runs a change of the file system. A refusal becomes a sentence that names the file. */
export function touching<T>(what: string, cure: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code: errno, message } = error as NodeJS.ErrnoException;
    const why = errno === undefined ? message : (reasons[errno] ?? message);
    const kind = errno === "EACCES" || errno === "EPERM" ? NotPermitted : Fault;
    throw new kind(code.io, `Cannot ${what}: ${why}`, cure);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the device",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "there is a folder of that name",
};

/** Creates a folder and those above it, readable for all. `undo` removes the created ones that are empty. */
export function makeFolder(folder: string, undo: Undo): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder), undo);
  touching(`make the folder ${folder}`, "Run it as root, or choose another folder", () => {
    mkdirSync(folder);
    chmodSync(folder, 0o755);
  });
  undo.add(() => rmdirSync(folder));
}

/**
 * A path beside the target, so that renaming is one step; hidden, so that no runtime reads it as a configuration or a
 * plugin.
 */
function besides(path: string): string {
  return join(dirname(path), `.ns-net-${process.pid}.tmp`);
}

function replace(path: string, make: (beside: string) => void): void {
  const beside = besides(path);
  touching(`write ${path}`, "Run it as root, or choose another folder", () => {
    try {
      make(beside);
      renameSync(beside, path);
    } catch (error) {
      discard(beside);
      throw error;
    }
  });
}

/** A file that cannot be removed is not the failure to report. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

export function putText(path: string, text: string): void {
  replace(path, (beside) => {
    writeFileSync(beside, text, { mode: 0o644 });
    chmodSync(beside, 0o644);
  });
}

export function putProgram(path: string, from: string): void {
  replace(path, (beside) => {
    copyFileSync(from, beside);
    chmodSync(beside, 0o755);
  });
}

export function putLink(path: string, to: string): void {
  replace(path, (beside) => symlinkSync(to, beside));
}
