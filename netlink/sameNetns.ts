/** Whether a namespace is the one that was meant: by its cookie, which a socket inside it tells (SO_NETNS_COOKIE, Linux 5.14). */

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

/** With the cookie, which costs a socket in the namespace. */
export function withCookie(netns: Netns): Netns & { readonly cookie: bigint } {
  using socket = openSocketIn(netns, protocol.route);
  return { ...netns, cookie: socket.netnsCookie };
}

/** As `isSameNetns`, with the open one asked for its cookie where that decides. */
export function isNetns(netns: Netns, identity: NetnsIdentity): boolean {
  if (!isSameNetns(netns, identity)) return false;
  if (!identity.cookie || netns.cookie !== undefined) return true;
  try {
    return isSameNetns(withCookie(netns), identity);
  } catch (error) {
    if (isKernelError(error, errno.EPERM)) return true; // who may not enter it cannot say more
    throw error;
  }
}

/** True where the path leads to it, and not to another one by now. */
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
