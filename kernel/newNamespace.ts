/** Namespaces that are made: with a name, as ip-netns(8) does it, or without. Nothing that a runtime calls needs this. */
import { closeSync, constants, mkdirSync, openSync, unlinkSync } from "node:fs";
import { NetlinkSocket, protocol } from "../netlink/socket.ts";
import { errno, isKernelError, KernelError } from "../sys/errors.ts";
import { enterNamespace, namespaceKind } from "../sys/libc.ts";
import { type Netns, type NetnsIdentity, netnsFolder, openOwnNetns, ownNetns, ownPath } from "../sys/netns.ts";
import { mount, mountFlag, newNamespace, unmount } from "../sys/sysRare.ts";

interface NewNetns {
  /** Called with what identifies it, before it has its name: what fails there makes no namespace. */
  readonly onMade: (made: MadeNetns) => void;
  /** There is a file of that name without a namespace on it. */
  readonly over: boolean;
}

export type MadeNetns = Required<NetnsIdentity>;

/**
 * Makes /run/netns/<name>, a namespace that `ip netns exec <name>` sees too. Throws KernelError EEXIST when the name is
 * taken. The folder is made a shared mount of its own as ip-netns(8) does, so that other mount namespaces see the name.
 */
export function createNetns(name: string, { onMade, over }: NewNetns): string {
  const path = `${netnsFolder}/${name}`;
  mkdirSync(netnsFolder, { recursive: true, mode: 0o755 });
  shareFolder();
  try {
    const exclusive = over ? 0 : constants.O_EXCL;
    closeSync(openSync(path, constants.O_RDONLY | constants.O_CREAT | exclusive | constants.O_NOFOLLOW, 0));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw new KernelError(`create namespace ${name}`, errno.EEXIST);
    throw error;
  }
  const home = openSync(ownPath, constants.O_RDONLY);
  try {
    newNamespace(namespaceKind.net);
    try {
      onMade(thisNetns());
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

function thisNetns(): MadeNetns {
  using socket = new NetlinkSocket(protocol.route);
  return { ...ownNetns(), cookie: socket.netnsCookie };
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

/** A new namespace that has no name and dies when it is closed. */
export function anonymousNetns(): Netns {
  const home = openSync(ownPath, constants.O_RDONLY);
  try {
    newNamespace(namespaceKind.net);
    try {
      return openOwnNetns();
    } finally {
      enterNamespace(home, namespaceKind.net);
    }
  } finally {
    closeSync(home);
  }
}
