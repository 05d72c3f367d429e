/** Removes what killed commands and supervisors left. Each command of labs does this first. */
import { tryLockLab } from "./lock.ts";
import { removeNames } from "./names.ts";
import { everyLab, isAlive, readState } from "./state.ts";
import { removeRemains } from "./stop.ts";

/**
 * Names in /run/netns of a lab whose supervisor was killed keep its namespaces alive; its folder stays, for `lab ls` to
 * show. A folder without a state, which no command holds, is that of an `up` that was killed at once.
 */
export function sweep(): void {
  for (const lab of everyLab()) {
    const before = readState(lab);
    if (before && (isAlive(before) || before.pid === 0)) continue;
    using lock = tryLockLab(lab);
    if (lock === undefined) continue;
    // The state may have changed between the look and the lock.
    const state = readState(lab);
    if (state === undefined) removeRemains(lab, state);
    else if (!isAlive(state)) removeNames(state.names);
  }
}
