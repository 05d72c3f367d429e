/** The container's namespace as ADD and CHECK need it: there, a network namespace, and not the caller's own. */
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

/** Opens it. Throws Fault: code 3 when it is gone (the runtime need not clean up), 8 when it is something else or our own. */
export function openContainerNetns(path: string, mayBeOwn: boolean): Netns {
  const netns = openOrFault(path);
  if (mayBeOwn) return netns;
  if (!isSameNetns(netns, ownNetns())) return netns;
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

/** Undefined for one that is gone: with it went what was made in it. */
export function openIfPresent(path: string): Netns | undefined {
  if (path === "") return undefined;
  try {
    return openNetns(path);
  } catch (error) {
    if (error instanceof NotANamespace) return undefined;
    throw error;
  }
}

/** As `standing`, if it is that one: the path may lead to another by now. */
export function openIfSame(path: string, identity: NetnsIdentity): Netns | undefined {
  const netns = openIfPresent(path);
  if (netns === undefined || isNetns(netns, identity)) return netns;
  closeNetns(netns);
  return undefined;
}

/** What the store has of a namespace. */
export function identityIn({ netnsDevice, netnsInode, netnsCookie }: Stored): NetnsIdentity {
  return { device: netnsDevice, inode: netnsInode, cookie: netnsCookie };
}

interface Stored {
  readonly netnsDevice: bigint;
  readonly netnsInode: bigint;
  readonly netnsCookie: bigint;
}
