/** Which process is at work on an entry, and whether it still is: by boot, pid and start time, because the kernel reuses pids. */

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
  readonly call: string;
}

/** The calls of a process that serves several at a time. */
export interface CallsHere {
  /** The one that runs now. */
  current(): string;
  isActive(call: string): boolean;
}

let callsHere: CallsHere | undefined;

/** The call that runs now; "" in a process that serves one. */
export const currentCall = (): string => callsHere?.current() ?? "";

/** From now on, two calls of this process exclude each other as two processes do. */
export function serveSeveral(calls: CallsHere): void {
  callsHere = calls;
}

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

function isThis(owner: Owner): boolean {
  return isOfThisProcess(owner) && (callsHere === undefined || owner.call === callsHere.current());
}

/** True while another process, or another call of this one, is adding or deleting the attachment. */
export function isInProgress(entry: Entry): boolean {
  const { state, bootId: boot, pid, pidStart } = entry;
  if (state === "attached" || isThis(entry) || boot !== bootId()) return false;
  if (callsHere && isOfThisProcess(entry) && processStart(pid) === pidStart) return callsHere.isActive(entry.call);
  if (!isElsewhere(entry)) return processStart(pid) === pidStart;
  return foreignClaim.mayLive(entry);
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
