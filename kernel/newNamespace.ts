/** Creates network namespaces: with a name, as ip-netns(8) does, or without. No verb of a runtime needs this. */
import { closeSync, constants, mkdirSync, openSync, unlinkSync } from "node:fs";
import { NetlinkSocket, protocol } from "../netlink/socket.ts";
import { errno, isKernelError, KernelError } from "../sys/errors.ts";
import { enterNamespace, namespaceKind } from "../sys/libc.ts";
import { type Netns, type NetnsIdentity, netnsFolder, openOwnNetns, ownNetns, ownPath } from "../sys/netns.ts";
import { mount, mountFlag, newNamespace, unmount } from "../sys/sysRare.ts";

interface NewNetns {
  /** Called with the identity of the namespace before it has its name. If it throws, no namespace is created. */
  readonly onMade: (made: MadeNetns) => void;
  /** A file of that name exists without a namespace on it, and is reused. */
  readonly over: boolean;
}

export type MadeNetns = Required<NetnsIdentity>;

/**
 * Creates /run/netns/NAME, a namespace that `ip netns exec NAME` sees, too. Throws KernelError EEXIST if the name is in
 * use. Turns the folder into a shared mount, as ip-netns(8) does, so that other mount namespaces see the name.
 */
export function createNetns(name: string, { onMade, over }: NewNetns): string {
  const path = `${netnsFolder}/${name}`;
  shareNames();
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

/** Makes the folder of names if it is missing, and a shared mount of it. */
export function shareNames(): void {
  mkdirSync(netnsFolder, { recursive: true, mode: 0o755 });
  const share = () => mount("", netnsFolder, "none", mountFlag.shared | mountFlag.recursive);
  try {
    share();
  } catch (error) {
    if (!isKernelError(error, errno.EINVAL)) throw error; // EINVAL: the folder is no mount point yet
    mount(netnsFolder, netnsFolder, "none", mountFlag.bind | mountFlag.recursive);
    share();
  }
}

/** Removes the name and its mount. The namespace ends when nothing else holds it. False if there was no such name. */
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

/** Creates a namespace without a name. It ends when it is closed. */
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
