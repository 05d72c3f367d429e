/** Ends a lab. */
import { errno, tolerating } from "../../sys/errors.ts";
import { closeFile } from "../../sys/libc.ts";
import { openProcess } from "../../sys/processes.ts";
import { waitReadable } from "../../sys/sysRare.ts";
import { lockLab, waitForSupervisor } from "./lock.ts";
import { removeNames } from "./names.ts";
import { emptyFolder, isAlive, type LabState, readState, removeFolder } from "./state.ts";

/** Ends the lab and removes what is left of it. Answers false if it was not up. */
export function stopLab(name: string): boolean {
  using _ = lockLab(name);
  const state = readState(name);
  const wasUp = state?.isUp === true && isAlive(state);
  endSupervisor(state);
  removeRemains(name, state);
  return wasUp;
}

const endMsMax = 10_000;

/** Kills the lab's first process, with which everything in its PID namespace ends, and waits for the end. */
export function endSupervisor(state: LabState | undefined): void {
  if (state === undefined || !isAlive(state)) return;
  const descriptor = tolerating(() => openProcess(state.pid), errno.ESRCH);
  if (descriptor === undefined) return;
  try {
    if (!isAlive(state)) return; // the descriptor may be that of a later process
    process.kill(state.pid, "SIGKILL");
    waitReadable(descriptor, endMsMax);
  } finally {
    closeFile(descriptor);
  }
}

/** Removes the names and the folder of a lab that has ended, or is about to. */
export function removeRemains(name: string, state: LabState | undefined): void {
  clearRemains(name, state);
  removeFolder(name);
}

/** As `removeRemains`, but leaves the empty folder, which is the caller's lock. */
export function clearRemains(name: string, state: LabState | undefined): void {
  waitForSupervisor(name);
  removeNames(state?.names ?? []);
  emptyFolder(name);
}
