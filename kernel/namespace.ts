/**
 * Opens the container's namespace for ADD and CHECK: it must exist, be a network namespace, and not be the plugin's
 * own.
 */
import { variableName } from "../conf/env.ts";
import { code, Fault } from "../conf/fault.ts";
import { isNetns } from "../netlink/sameNetns.ts";
import {
  closeNetns,
  isSameNetns,
  type Netns,
  type NetnsIdentity,
  NotANamespace,
  openNetns,
  ownNetns,
} from "../sys/netns.ts";

/**
 * Opens it. Throws Fault: code 3 if it does not exist (the runtime need not clean up), 8 if the path is something else
 * or the host's own namespace. `host` absent: the one that this thread is in.
 */
export function openContainerNetns(path: string, mayBeOwn: boolean, host?: NetnsIdentity): Netns {
  const netns = openOrFault(path);
  if (mayBeOwn) return netns;
  if (!isSameNetns(netns, host ?? ownNetns())) return netns;
  closeNetns(netns);
  throw new Fault(
    code.netns,
    (audience) =>
      `Cannot use ${variableName("CNI_NETNS", audience)} = ${path}: it is the network namespace that this plugin runs in`,
    (audience) =>
      `${variableName("CNI_NETNS", audience)} must be the container's namespace, such as /run/netns/NAME or /proc/PID/ns/net`,
  );
}

function openOrFault(path: string): Netns {
  try {
    return openNetns(path);
  } catch (error) {
    if (!(error instanceof NotANamespace)) throw error;
    throw new Fault(
      error.missing ? code.unknownContainer : code.netns,
      error.message,
      (audience) =>
        `${variableName("CNI_NETNS", audience)} must be the path of a network namespace, such as /run/netns/NAME or /proc/PID/ns/net`,
    );
  }
}

/** Opens a namespace, or answers undefined if it no longer exists: everything in it went with it. */
export function openIfPresent(path: string): Netns | undefined {
  if (path === "") return undefined;
  try {
    return openNetns(path);
  } catch (error) {
    if (error instanceof NotANamespace) return undefined;
    throw error;
  }
}

/** As `openIfPresent`, but only if it is that namespace: the path may lead to another one by now. */
export function openIfSame(path: string, identity: NetnsIdentity): Netns | undefined {
  const netns = openIfPresent(path);
  if (netns === undefined || isNetns(netns, identity)) return netns;
  closeNetns(netns);
  return undefined;
}

/** The identity of a namespace from the columns of the store. */
export function identityIn({ netnsDevice, netnsInode, netnsCookie }: Stored): NetnsIdentity {
  return { device: netnsDevice, inode: netnsInode, cookie: netnsCookie };
}

interface Stored {
  readonly netnsDevice: bigint;
  readonly netnsInode: bigint;
  readonly netnsCookie: bigint;
}
