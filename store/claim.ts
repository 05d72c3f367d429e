/** Who is at work on an entry, and whether it still is: by boot, pid and start time, since a pid alone is given out again. */

import { attachmentText } from "../conf/attachment.ts";
import { code, Fault } from "../conf/fault.ts";
import { fileStatus, readText } from "../sys/files.ts";
import type { Entry } from "./entry.ts";
import defer * as foreignClaim from "./foreignClaim.ts";

export interface Owner {
  readonly bootId: string;
  readonly pid: number;
  readonly pidStart: bigint;
  readonly pidNamespace: bigint;
}

/** Changes with every boot: what an entry describes of an earlier one is gone. */
export function bootId(): string {
  return readText("/proc/sys/kernel/random/boot_id").trim();
}

/**
 * When a process started, in clock ticks since boot; undefined when there is none, or only its zombie (a parent that is
 * slow to ask keeps one for long, and it does nothing any more).
 */
export function processStart(pid: number): bigint | undefined {
  try {
    const stat = readText(`/proc/${pid}/stat`);
    // proc(5): the second field, the command in brackets, may hold anything; state is the third, the start the 22nd.
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
  };
}

let ownNamespace: bigint | undefined;

/** The PID namespace that this process's numbers are of: the inode of its nsfs file. */
export function pidNamespace(): bigint {
  ownNamespace ??= fileStatus("/proc/self/ns/pid").inode;
  return ownNamespace;
}

/** True for a process of another PID namespace: /proc here does not list it under that number. */
function isElsewhere({ pidNamespace: claimed }: Owner): boolean {
  return claimed !== pidNamespace();
}

function isThis(owner: Owner): boolean {
  return owner.pid === process.pid && !isElsewhere(owner);
}

/** True while another process is adding or deleting it. What is in progress and not this was left by one that died. */
export function isInProgress(entry: Entry): boolean {
  const { state, bootId: boot, pid, pidStart } = entry;
  if (state === "attached" || isThis(entry) || boot !== bootId()) return false;
  if (!isElsewhere(entry)) return processStart(pid) === pidStart;
  return foreignClaim.mayLive(entry);
}

/** True for what a process that died left half-done: it never told anybody that it succeeded. */
export function isInterrupted(entry: Entry): boolean {
  return entry.state !== "attached" && !isThis(entry) && !isInProgress(entry);
}

/** Another process is at work on the attachment. Of its own class, so that a caller can wait. */
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
