/** Ends a lab. */
import { errno, isKernelError } from "../../sys/errors.ts";
import { closeFile } from "../../sys/libc.ts";
import { openProcess, waitReadable } from "../../sys/sysRare.ts";
import { lockLab } from "./lock.ts";
import { removeNames } from "./names.ts";
import { isAlive, type LabState, readState, removeFolder } from "./state.ts";

/** Ends the lab and removes what is left of it. Answers false if it was not up. */
export function stopLab(name: string): boolean {
  using _ = lockLab(name);
  const state = readState(name);
  const wasUp = state?.isUp === true && isAlive(state);
  if (state) endSupervisor(state);
  removeRemains(name, state);
  return wasUp;
}

const endMsMax = 10_000;

/** Kills the lab's first process, with which everything in its PID namespace ends, and waits for the end. */
export function endSupervisor(state: LabState): void {
  let process_: number;
  try {
    process_ = openProcess(state.pid);
  } catch (error) {
    if (isKernelError(error, errno.ESRCH)) return;
    throw error;
  }
  try {
    if (!isAlive(state)) return;
    process.kill(state.pid, "SIGKILL");
    waitReadable(process_, endMsMax);
  } finally {
    closeFile(process_);
  }
}

/** Removes the names and the folder of a lab that has ended. */
export function removeRemains(name: string, state: LabState | undefined): void {
  removeNames(state?.names ?? []);
  removeFolder(name);
}
