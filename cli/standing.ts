/** Whether what the store tells of still stands. */

import { findHostLink } from "../kernel/hostLink.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { eventGroup, waitForEvent } from "../netlink/route/events.ts";
import { getLink } from "../netlink/route/link.ts";
import { openSocketIn, protocol } from "../netlink/socket.ts";
import { hasVeth, isThere } from "../plugin/removal/entrySteps.ts";
import { isAdoptedPresent } from "../plugin/takeover/standing.ts";
import type { Entry } from "../store/entry.ts";
import { bootId } from "../store/index.ts";
import { errno, isKernelError } from "../sys/errors.ts";
import { closeNetns, openNetns } from "../sys/netns.ts";
import { mayStand, pidIn, pidsByInode } from "./attachments.ts";

/** A socket that was just closed in a namespace keeps it alive for an RCU grace period, and its links with it. */
const dyingMsMax = 500;

/**
 * Answers whether an entry's namespace lives: at its path, with a process in it, or elsewhere, as its link tells. (The
 * name may be in another mount namespace, the processes in another pid namespace.) Of `all`, those that only the link
 * speaks for are given a moment to die.
 */
export function standing(all: readonly Entry[], kernel: Kernel): (entry: Entry) => boolean {
  const [boot, pids] = [bootId(), pidsByInode()];
  const isAdoptedStanding = isAdoptedPresent(kernel);
  const isLinked = (entry: Entry) => leadsSomewhere(entry.hostLink, kernel);
  const isSeen = (entry: Entry) => mayStand(entry, boot, pids) && !isWithoutInterface(entry, pids);
  const dying = all.filter((entry) => !isSeen(entry) && isLinked(entry));
  if (dying.length > 0) waitForEvent(eventGroup.link, () => !dying.some(isLinked), dyingMsMax);
  return (entry) => isSeen(entry) || isLinked(entry) || isAdoptedStanding(entry);
}

/**
 * A namespace's number is given again at once, perhaps to one that was made under the same name. What was attached by a
 * veth is gone for certain where its namespace has no interface of that name.
 */
function isWithoutInterface(entry: Entry, pids: ReadonlyMap<bigint, number>): boolean {
  if (!hasVeth(entry)) return false;
  const path = isThere(entry) ? entry.netnsPath : `/proc/${pidIn(entry, pids)}/ns/net`;
  try {
    const netns = openNetns(path);
    using socket = openSocketIn(netns, protocol.route);
    closeNetns(netns);
    return getLink(socket, entry.attachment.ifname) === undefined;
  } catch {
    return false; // who may not look cannot say so
  }
}

/**
 * The kernel clears an ended namespace's links away later. But from its end on it cannot be spoken to: the number that
 * the link tells is taken back, or refused (EINVAL).
 */
function leadsSomewhere(hostLink: string, kernel: Kernel): boolean {
  kernel.forget("host", hostLink);
  const link = findHostLink(hostLink, kernel);
  if (link?.peerNetnsId === undefined) return link !== undefined;
  if (link.peerNetnsId < 0 || link.peerIndex === undefined) return false;
  try {
    return getLink(kernel.route("host"), link.peerIndex, link.peerNetnsId) !== undefined;
  } catch (error) {
    if (isKernelError(error, errno.EINVAL)) return false;
    throw error;
  }
}
