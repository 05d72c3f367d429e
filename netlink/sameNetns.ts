/** Compares namespaces also by their cookie, which a socket inside reads (SO_NETNS_COOKIE, Linux 5.14). */

import { errno, isKernelError } from "../sys/errors.ts";
import {
  closeNetns,
  isSameNetns,
  type Netns,
  type NetnsIdentity,
  NotANamespace,
  netnsIdentity,
  openNetns,
} from "../sys/netns.ts";
import { openSocketIn, protocol } from "./socket.ts";

/** Adds the cookie, which costs a socket in the namespace. */
export function withCookie(netns: Netns): Netns & { readonly cookie: bigint } {
  using socket = openSocketIn(netns, protocol.route);
  return { ...netns, cookie: socket.netnsCookie };
}

/** As `isSameNetns`, and reads the cookie of the open namespace if the answer depends on it. */
export function isNetns(netns: Netns, identity: NetnsIdentity): boolean {
  if (!isSameNetns(netns, identity)) return false;
  if (!identity.cookie || netns.cookie !== undefined) return true;
  try {
    return isSameNetns(withCookie(netns), identity);
  } catch (error) {
    if (isKernelError(error, errno.EPERM)) return true; // without the right to enter it, device and inode decide
    throw error;
  }
}

/** True if the path leads to this namespace and not to another one by now. */
export function isAt(path: string, identity: NetnsIdentity): boolean {
  const found = path === "" ? undefined : netnsIdentity(path);
  if (found === undefined || !isSameNetns(found, identity)) return false;
  if (!identity.cookie) return true;
  try {
    const netns = openNetns(path);
    try {
      return isNetns(netns, identity);
    } finally {
      closeNetns(netns);
    }
  } catch (error) {
    if (error instanceof NotANamespace) return false;
    throw error;
  }
}
