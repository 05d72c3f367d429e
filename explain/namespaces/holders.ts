/**
 * Reads in one pass over /proc what keeps each network namespace alive: processes and threads, open files, and mounts of
 * its file (network_namespaces(7), proc(5)).
 */
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { netnsFolder, ownPath } from "../../sys/netns.ts";
import { everyPid, inodeAt, inodeIn, type Process, processAt } from "../namespaceKinds.ts";
import { readOrEmpty } from "../readOrEmpty.ts";

export interface Holder {
  readonly inode: number;
  /** Names in /run/netns, and the paths of other mounts that this process sees. */
  readonly names: readonly string[];
  readonly processes: readonly Process[];
  /** The strongest of what keeps it. */
  readonly held: "name" | "process" | "fd" | "mount";
  /** Paths that lead to the namespace, the most lasting first. */
  readonly paths: readonly string[];
}

interface Found {
  readonly names: string[];
  readonly processes: Process[];
  readonly mounts: string[];
  readonly threads: string[];
  readonly files: string[];
}

/** Every network namespace that this process may find, by inode. */
export function everyHolder(): ReadonlyMap<number, Holder> {
  const found = new Map<number, Found>();
  const at = (inode: number) => {
    let one = found.get(inode);
    if (one === undefined) {
      one = { names: [], processes: [], mounts: [], threads: [], files: [] };
      found.set(inode, one);
    }
    return one;
  };
  const ownMounts = inodeAt("/proc/self/ns/mnt");
  const seenMounts = new Set([ownMounts]);
  const own = inodeAt(ownPath);
  if (own !== undefined) at(own).threads.push(ownPath);
  for (const { inode, path } of mountsOf("self")) at(inode).names.push(shortName(path));
  for (const pid of everyPid()) {
    if (pid === process.pid) continue;
    const inside = inodeAt(`/proc/${pid}/ns/net`);
    if (inside !== undefined) at(inside).processes.push(...processAt(pid));
    for (const { inode, path } of threadsElsewhere(pid, inside)) at(inode).threads.push(path);
    for (const { inode, path } of openFiles(pid)) at(inode).files.push(path);
    const mounts = inodeAt(`/proc/${pid}/ns/mnt`);
    if (mounts === undefined || seenMounts.has(mounts)) continue;
    seenMounts.add(mounts);
    for (const { inode, path } of mountsOf(pid)) at(inode).mounts.push(`/proc/${pid}/root${path}`);
  }
  return new Map([...found].map(([inode, one]) => [inode, holderOf(inode, one)]));
}

function holderOf(inode: number, { names, processes, mounts, threads, files }: Found): Holder {
  const isNamed = names.some((name) => !name.startsWith("/"));
  const isRun = processes.length > 0 || threads.length > 0;
  const isMounted = names.length > 0 || mounts.length > 0;
  return {
    inode,
    names,
    processes,
    held: isNamed ? "name" : isRun ? "process" : isMounted ? "mount" : "fd",
    paths: [
      ...names.map((name) => (name.startsWith("/") ? name : `${netnsFolder}/${name}`)),
      ...processes.map(({ pid }) => `/proc/${pid}/ns/net`),
      ...threads,
      ...mounts,
      ...files,
    ],
  };
}

function shortName(path: string): string {
  const name = path.startsWith(`${netnsFolder}/`) ? path.slice(netnsFolder.length + 1) : path;
  return name.includes("/") ? path : name;
}

interface Place {
  readonly inode: number;
  readonly path: string;
}

/** Mounts of network namespaces: in /proc/PID/mountinfo their root reads `net:[4026532000]` and their type nsfs. */
function mountsOf(pid: number | "self"): Place[] {
  return readOrEmpty(`/proc/${pid}/mountinfo`)
    .split("\n")
    .flatMap((line) => {
      if (!line.includes(" net:[")) return [];
      const [, , , root = "", path = ""] = line.split(" ");
      const inode = inodeIn(root);
      return inode === undefined ? [] : [{ inode, path: unescaped(path) }];
    });
}

/** The kernel writes a space, tab, newline and backslash of a path as `\040`. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Threads that are in another namespace than their process. */
function threadsElsewhere(pid: number, own: number | undefined): Place[] {
  const folder = `/proc/${pid}/task`;
  try {
    // A folder has two links and one for each folder in it: most processes have one thread.
    if (statSync(folder).nlink <= 3) return [];
    return readdirSync(folder).flatMap((thread) => {
      const path = `${folder}/${thread}/ns/net`;
      const inode = inodeAt(path);
      return inode === undefined || inode === own ? [] : [{ inode, path }];
    });
  } catch {
    return []; // the process ended
  }
}

function openFiles(pid: number): Place[] {
  const folder = `/proc/${pid}/fd`;
  return filesIn(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    const target = linkAt(path);
    if (!target.startsWith("net:[")) return [];
    const inode = inodeIn(target);
    return inode === undefined ? [] : [{ inode, path }];
  });
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // the process ended, or belongs to another user
  }
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
}
