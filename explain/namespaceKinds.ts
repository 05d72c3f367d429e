/** The namespaces that a process is in, and the processes that are in a network namespace: /proc/PID/ns (proc(5)). */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type NamespaceKind, namespaceKinds } from "../sys/namespaces/kinds.ts";

/** The inode of each kind; undefined where it may not be read, the kernel lacks the kind, or the process has ended. */
export type Namespaces = Readonly<Record<NamespaceKind, number | undefined>>;

export interface Process {
  readonly pid: number;
  /** The name of the program, at most 15 bytes: /proc/PID/comm. Its arguments may hold secrets, so they are not read. */
  readonly command: string;
}

export const kindsInOrder = Object.keys(namespaceKinds) as readonly NamespaceKind[];

/** The namespaces of a process, or of a thread if its number is given. */
export function namespacesOf(pid: number | "self"): Namespaces {
  const inodes = kindsInOrder.map((kind) => [kind, inodeAt(`/proc/${pid}/ns/${kind}`)]);
  return Object.fromEntries(inodes) as Namespaces;
}

/** The inode that a link of nsfs names: `net:[4026531840]`. Undefined if it cannot be read. */
export function inodeAt(link: string): number | undefined {
  try {
    return inodeIn(readlinkSync(link));
  } catch {
    return undefined; // the process ended, or belongs to another user
  }
}

/** `net:[4026531840]` → 4026531840; undefined for another text. */
export function inodeIn(text: string): number | undefined {
  const digits = /^\w+:\[(\d+)\]$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The numbers of all processes that this process sees, ascending. */
export function everyPid(): number[] {
  return readdirSync("/proc")
    .flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
    .sort((a, b) => a - b);
}

/** The processes in one namespace of a kind, ascending. Threads that left the namespace of their process do not count. */
export function processesIn(kind: NamespaceKind, inode: number): Process[] {
  return everyPid().flatMap((pid) => (inodeAt(`/proc/${pid}/ns/${kind}`) === inode ? processAt(pid) : []));
}

/** All processes that this process sees, by number. */
export function everyProcess(): Process[] {
  return everyPid().flatMap(processAt);
}

/** Empty if the process ended meanwhile. */
export function processAt(pid: number): [] | [Process] {
  try {
    return [{ pid, command: readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd() }];
  } catch {
    return [];
  }
}
