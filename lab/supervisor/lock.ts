/** Locks among commands of labs, by flock(2): of two commands that make or end a lab, the second waits. */
import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { tryLock, waitForLock } from "../../sys/sysRare.ts";
import { folderOf, labsFolder, logOf, makeFolder } from "./state.ts";

/** Makes the lab's folder and locks it, until the answer is disposed of or the process ends. */
export function lockLab(lab: string): Disposable {
  for (;;) {
    makeFolder(lab);
    const file = opened(folderOf(lab));
    if (file === undefined) continue;
    waitForLock(file);
    // `down` removes the folder, and a lock of a removed one excludes no other command.
    if (statSync(folderOf(lab), { throwIfNoEntry: false })?.ino === fstatSync(file).ino) return closing(file);
    closeSync(file);
  }
}

/** As `lockLab`, for a folder that exists; undefined if it does not, or another command holds it. */
export function tryLockLab(lab: string): Disposable | undefined {
  const file = opened(folderOf(lab));
  if (file === undefined) return undefined;
  if (tryLock(file)) return closing(file);
  closeSync(file);
  return undefined;
}

/**
 * Opens the file of the supervisor's standard error with a lock that lasts as long as the supervisor: also when the command
 * that starts it is killed before it wrote down which process that is. The caller closes the descriptor.
 */
export function openLog(lab: string): number {
  const file = openSync(logOf(lab), "a");
  tryLock(file);
  return file;
}

/** Waits until a supervisor has ended, whose command may have been killed: then it ends by itself. */
export function waitForSupervisor(lab: string): void {
  const file = opened(logOf(lab));
  if (file === undefined) return;
  waitForLock(file);
  closeSync(file);
}

/** Locks the choice of names for all labs of this user. One of them must have a folder. */
export function lockNames(): Disposable {
  const file = openSync(labsFolder(), "r");
  waitForLock(file);
  return closing(file);
}

const closing = (file: number): Disposable => ({ [Symbol.dispose]: () => closeSync(file) });

/** Undefined if a command that ends a lab removed it meanwhile. */
function opened(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}
