/** Which process is at work on an entry, and whether it still is: by boot, pid and start time, because the kernel reuses pids. */

import { attachmentText } from "../conf/attachment.ts";
import { code, Fault } from "../conf/fault.ts";
import { fileStatus, readText } from "../sys/files.ts";
import { currentCall, isActiveHere, isShared } from "../sys/sharedProcess.ts";
import type { Entry } from "./entry.ts";
import defer * as foreignClaim from "./foreignClaim.ts";
import type { Owner } from "./owner.ts";

/** Changes with every boot. The namespaces and links of an earlier boot's entries are gone. */
export function bootId(): string {
  return readText("/proc/sys/kernel/random/boot_id").trim();
}

/**
 * When a process started, in clock ticks since boot; undefined if it does not exist or is a zombie, which does nothing more
 * and may remain long.
 */
export function processStart(pid: number): bigint | undefined {
  try {
    const stat = readText(`/proc/${pid}/stat`);
    // proc(5): the second field, the command in brackets, may contain anything; the state is the third, the start the 22nd.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : BigInt(fields[19]!);
  } catch {
    return undefined;
  }
}

export function thisProcess(): Owner {
  return {
    bootId: bootId(),
    pid: process.pid,
    pidStart: processStart(process.pid) ?? 0n,
    pidNamespace: pidNamespace(),
    call: currentCall(),
  };
}

let ownNamespace: bigint | undefined;

/** The PID namespace of this process: the inode of its nsfs file. */
export function pidNamespace(): bigint {
  ownNamespace ??= fileStatus("/proc/self/ns/pid").inode;
  return ownNamespace;
}

/** True for a process of another PID namespace: /proc here does not list it under that number. */
function isElsewhere({ pidNamespace: claimed }: Owner): boolean {
  return claimed !== pidNamespace();
}

const isOfThisProcess = (owner: Owner) => owner.pid === process.pid && !isElsewhere(owner);

/** True if this process claimed it, for the call that runs now. */
const isThis = (owner: Owner) => isOfThisProcess(owner) && owner.call === currentCall();

/** True if an agent claimed it for the call that this process repeats, because the agent did not finish it. */
const isRepeated = ({ call }: Owner) => call !== "" && call === currentCall();

/** True while another process, or another call of this one, is adding or deleting the attachment. */
export function isInProgress(entry: Entry): boolean {
  const { state, bootId: boot, pid, pidStart, call } = entry;
  if (state === "attached" || isThis(entry) || isRepeated(entry) || boot !== bootId()) return false;
  if (isElsewhere(entry)) return foreignClaim.mayLive(entry);
  if (processStart(pid) !== pidStart) return false;
  if (pid === process.pid && isShared()) return isActiveHere(call);
  // An agent lives on after a call that was handed back and that no process finished.
  return call === "" ? pid !== process.pid : foreignClaim.mayLive(entry);
}

/** True if a process died while it was adding or deleting the attachment, so that it never reported success. */
export function isInterrupted(entry: Entry): boolean {
  return entry.state !== "attached" && !isThis(entry) && !isInProgress(entry);
}

/** Another process is at work on the attachment. A class of its own, so that a caller can wait. */
export class InProgress extends Fault {
  constructor(entry: Entry) {
    const { attachment, state, pid } = entry;
    const who = `process ${pid}${isElsewhere(entry) ? " of another PID namespace" : ""}`;
    super(
      code.tryAgain,
      `Cannot change ${attachmentText(attachment)}: ${who} is ${state} it`,
      `Try again; if it persists, see what ${who} waits for, and end it`,
    );
  }
}
