/**
 * Network namespaces. A namespace lives while a process is in it, a file descriptor is open on it, or a bind mount of
 * its nsfs file exists; `/run/netns/<name>` is where `ip netns` looks for such mounts (ip-netns(8)).
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, statSync, unlinkSync } from "node:fs";
import { errno, isKernelError, KernelError } from "./errors.ts";
import { NetlinkSocket } from "./socket.ts";
import { enterNamespace, mount, mountFlag, namespaceKind, namespaceTypeOf, newNamespace, unmount } from "./sys.ts";

export const netnsFolder = "/run/netns";

/** The calling thread's own namespace; `/proc/self` would be the process's first thread. */
const ownPath = "/proc/thread-self/ns/net";

/** What names a namespace for as long as it lives: the device and inode of its nsfs file. */
export interface NetnsIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** An open namespace. Close it: an open descriptor keeps the namespace alive. */
export interface Netns extends NetnsIdentity {
  readonly fd: number;
  readonly path: string;
}

/** Why a path is no network namespace: it is not there, or it is something else. */
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

/** Opens the namespace at a path. Never blocks on a FIFO and never opens a device. Throws NotANamespace, or KernelError for no permission. */
export function openNetns(path: string): Netns {
  const fd = openPath(path);
  if (namespaceTypeOf(fd) !== namespaceKind.net) {
    closeSync(fd);
    throw new NotANamespace(path, false, "it is not a network namespace");
  }
  return { fd, path, ...identityOf(fd) };
}

function openPath(path: string): number {
  try {
    if (!statSync(path).isFile()) throw new NotANamespace(path, false, "it is not a network namespace");
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const symbol = (error as NodeJS.ErrnoException).code;
    if (symbol === "ENOENT" || symbol === "ENOTDIR" || symbol === "ESRCH")
      throw new NotANamespace(path, true, "there is no such file");
    if (symbol === "EACCES" || symbol === "EPERM") throw new KernelError(`open ${path}`, errno[symbol]);
    if (symbol === "EINVAL") throw new NotANamespace(path, false, "its process has ended");
    throw error instanceof NotANamespace ? error : new NotANamespace(path, false, (error as Error).message);
  }
}

function identityOf(fd: number): NetnsIdentity {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return { device: dev, inode: ino };
}

/** The namespace this process is in. */
export function openOwnNetns(): Netns {
  return openNetns(ownPath);
}

/** The identity of the namespace at a path without opening it; undefined when there is none. */
export function netnsIdentity(path: string): NetnsIdentity | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return { device: dev, inode: ino };
  } catch {
    return undefined;
  }
}

export function isSameNetns(a: NetnsIdentity, b: NetnsIdentity): boolean {
  return a.device === b.device && a.inode === b.inode;
}

/** `name` → /run/netns/name, `pid:42` → /proc/42/ns/net, a path stays. */
export function netnsPathOf(spec: string): string {
  if (spec.includes("/")) return spec;
  return spec.startsWith("pid:") ? `/proc/${spec.slice(4)}/ns/net` : `${netnsFolder}/${spec}`;
}

/** Runs `work` with the thread inside a namespace. `work` is synchronous: a thread that awaits is a thread that others use. */
export function inNetns<T>(netns: Netns, work: () => T extends Promise<unknown> ? never : T): T {
  const home = openSync(ownPath, constants.O_RDONLY);
  try {
    enterNamespace(netns.fd, namespaceKind.net);
    try {
      return work();
    } finally {
      enterNamespace(home, namespaceKind.net);
    }
  } finally {
    closeSync(home);
  }
}

/** A socket that belongs to another namespace: three system calls there, then home again. */
export function openSocketIn(netns: Netns, protocol: number): NetlinkSocket {
  return inNetns(netns, () => new NetlinkSocket(protocol) as never);
}

/**
 * Makes /run/netns/<name>, a namespace that `ip netns exec <name>` sees too. Throws KernelError EEXIST when the name is
 * taken. The folder is made a shared mount of its own as ip-netns(8) does, so that other mount namespaces see the name.
 */
export function createNetns(name: string): string {
  const path = `${netnsFolder}/${name}`;
  mkdirSync(netnsFolder, { recursive: true, mode: 0o755 });
  shareFolder();
  try {
    closeSync(openSync(path, constants.O_RDONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw new KernelError(`create namespace ${name}`, errno.EEXIST);
    throw error;
  }
  const home = openSync(ownPath, constants.O_RDONLY);
  try {
    newNamespace(namespaceKind.net);
    try {
      mount(ownPath, path, "none", mountFlag.bind);
    } finally {
      enterNamespace(home, namespaceKind.net);
    }
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(home);
  }
  return path;
}

function shareFolder(): void {
  const share = () => mount("", netnsFolder, "none", mountFlag.shared | mountFlag.recursive);
  try {
    share();
  } catch (error) {
    if (!isKernelError(error, errno.EINVAL)) throw error; // EINVAL: not a mount point yet
    mount(netnsFolder, netnsFolder, "none", mountFlag.bind | mountFlag.recursive);
    share();
  }
}

/** Removes the name and its mount; the namespace dies when nothing else holds it. False when there was none. */
export function deleteNetns(name: string): boolean {
  const path = `${netnsFolder}/${name}`;
  unmount(path);
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

export function closeNetns(netns: Netns): void {
  closeSync(netns.fd);
}

/** A new namespace that has no name and dies when it is closed. */
export function anonymousNetns(): Netns {
  const home = openSync(ownPath, constants.O_RDONLY);
  try {
    newNamespace(namespaceKind.net);
    try {
      return openNetns(ownPath);
    } finally {
      enterNamespace(home, namespaceKind.net);
    }
  } finally {
    closeSync(home);
  }
}

/** Moves this thread into a namespace for good: for a process that is about to become another program. */
export function enterNetns(netns: Netns): void {
  enterNamespace(netns.fd, namespaceKind.net);
}
