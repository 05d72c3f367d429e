/** Removes what killed commands and supervisors left. Each command of labs does this first. */
import { closeSync, openSync } from "node:fs";
import { tryLock } from "../../sys/sysRare.ts";
import { removeNames } from "./names.ts";
import { everyLab, folderOf, isAlive, readState, removeFolder } from "./state.ts";

/**
 * Names in /run/netns of a lab whose supervisor was killed keep its namespaces alive; its folder stays, for `lab ls` to
 * show. A folder without a state, which no command holds, is that of an `up` that was killed at once.
 */
export function sweep(): void {
  for (const lab of everyLab()) {
    const state = readState(lab);
    if (state === undefined) removeAbandoned(lab);
    else if (state.pid !== 0 && !isAlive(state)) removeNames(state.names);
  }
}

function removeAbandoned(lab: string): void {
  let file: number;
  try {
    file = openSync(folderOf(lab), "r");
  } catch {
    return; // another command removed it
  }
  // The state may have come between the look and the lock.
  if (tryLock(file) && readState(lab) === undefined) removeFolder(lab);
  closeSync(file);
}
