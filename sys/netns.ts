/**
 * Network namespaces. One lives while a process is in it, a file descriptor is open on it, or a bind mount of its nsfs
 * file exists; `ip netns` looks for such mounts at /run/netns/NAME (ip-netns(8)).
 */

import { errno, KernelError } from "./errors.ts";
import { fileStatus, openFlag } from "./files.ts";
import { closeFile, enterNamespace, namespaceKind, namespaceTypeOf, openFile } from "./libc.ts";
import { isShared, mayBlock, passedNamespace } from "./sharedProcess.ts";

export const netnsFolder = "/run/netns";

/** The namespace of the calling thread; /proc/self would show that of the first thread. */
export const ownPath = "/proc/thread-self/ns/net";

/** The identity of a namespace: device and inode of its nsfs file, and its cookie. */
export interface NetnsIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  /** SO_NETNS_COOKIE, which the kernel never gives again, unlike the inode. Absent or 0: not known. */
  readonly cookie?: bigint;
}

/** An open namespace. The caller closes it, because an open descriptor keeps the namespace alive. */
export interface Netns extends NetnsIdentity {
  readonly fd: number;
  readonly path: string;
}

/** A path is not a network namespace: there is no file, or it is another kind of file. */
export class NotANamespace extends Error {
  readonly path: string;
  readonly missing: boolean;

  constructor(path: string, missing: boolean, why: string) {
    super(`Cannot open the network namespace ${path}: ${why}`);
    this.name = "NotANamespace";
    this.path = path;
    this.missing = missing;
  }
}

/**
 * Opens the namespace at a path. Never blocks on a FIFO and never opens a device. Throws NotANamespace, or KernelError
 * for missing rights or descriptors.
 */
export function openNetns(path: string): Netns {
  const fd = openPath(path);
  if (namespaceTypeOf(fd) !== namespaceKind.net) {
    closeFile(fd);
    throw new NotANamespace(path, false, "it is not a network namespace");
  }
  return { fd, path, ...identityOf(fd) };
}

/** EMFILE, ENFILE, ENOMEM: they mean nothing for the path. */
const exhausted: readonly number[] = [24, 23, 12];

/** Folders of namespaces that do not lie on a remote file system, which may not answer. */
const localFolders = ["/proc/", "/run/", "/var/run/"];

function openPath(path: string): number {
  const passed = passedNamespace(path);
  if (passed !== undefined) return openFile(`/proc/thread-self/fd/${passed}`, openFlag.readOnly);
  if (isShared() && !localFolders.some((folder) => path.startsWith(folder))) mayBlock(`open ${path}`);
  try {
    if (!fileStatus(path).isRegular) throw new NotANamespace(path, false, "it is not a network namespace");
    return openFile(path, openFlag.readOnly | openFlag.nonBlocking);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    const { errno: number, symbol } = error;
    if (number === errno.EACCES || number === errno.EPERM) throw error;
    if (exhausted.includes(number)) throw error;
    const isMissing = number === errno.ENOENT || number === errno.ENOTDIR || number === errno.ESRCH;
    const why = number === errno.EINVAL ? "its process has ended" : symbol;
    throw new NotANamespace(path, isMissing, isMissing ? "there is no such file" : why);
  }
}

function identityOf(file: string | number): NetnsIdentity {
  const { device, inode } = fileStatus(file);
  return { device, inode };
}

/** Opens the namespace that this thread is in. */
export function openOwnNetns(): Netns {
  return openNetns(ownPath);
}

/** The identity of the namespace that this thread is in, without opening it. */
export function ownNetns(): NetnsIdentity {
  return identityOf(ownPath);
}

/** The identity of the namespace at a path, without opening it; undefined if there is no file. */
export function netnsIdentity(path: string): NetnsIdentity | undefined {
  try {
    return identityOf(path);
  } catch {
    return undefined;
  }
}

/** True if both are the same namespace: by device and inode, and by the cookies where both are known. */
export function isSameNetns(a: NetnsIdentity, b: NetnsIdentity): boolean {
  return a.device === b.device && a.inode === b.inode && (!a.cookie || !b.cookie || a.cookie === b.cookie);
}

/** The path of a namespace that a person names: `web` → /run/netns/web, `pid:42` → /proc/42/ns/net; a path is kept. */
export function netnsPathOf(spec: string): string {
  if (spec.includes("/")) return spec;
  return spec.startsWith("pid:") ? `/proc/${spec.slice(4)}/ns/net` : `${netnsFolder}/${spec}`;
}

/**
 * Runs `work` with the thread inside a namespace. `work` must be synchronous: while a thread awaits, other code runs on
 * it.
 */
export function inNetns<T>(netns: Netns, work: () => T extends Promise<unknown> ? never : T): T {
  const home = openFile(ownPath, openFlag.readOnly);
  try {
    enterNamespace(netns.fd, namespaceKind.net);
    try {
      return work();
    } finally {
      enterNamespace(home, namespaceKind.net);
    }
  } finally {
    closeFile(home);
  }
}

export function closeNetns(netns: Netns): void {
  closeFile(netns.fd);
}

/** Moves this thread into a namespace and leaves it there: for a process that is about to become another program. */
export function enterNetns(netns: Netns): void {
  enterNamespace(netns.fd, namespaceKind.net);
}
