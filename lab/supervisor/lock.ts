/** The lock of a lab: of two commands that make or end it, the second waits. */
import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { waitForLock } from "../../sys/sysRare.ts";
import { folderOf, makeFolder } from "./state.ts";

/** Makes the lab's folder and locks it, until the answer is disposed of or the process ends. */
export function lockLab(lab: string): Disposable {
  for (;;) {
    const file = opened(lab);
    if (file === undefined) continue;
    waitForLock(file);
    // `down` removes the folder, and a lock of a removed one excludes no other command.
    if (statSync(folderOf(lab), { throwIfNoEntry: false })?.ino === fstatSync(file).ino)
      return { [Symbol.dispose]: () => closeSync(file) };
    closeSync(file);
  }
}

/** Undefined if a command that ends a lab removed the folder meanwhile. */
function opened(lab: string): number | undefined {
  try {
    return openSync(makeFolder(lab), "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}
