/** Whether what the store tells of still stands. */
import { bootId, type Entry } from "../ipam/store.ts";
import { getLink } from "../netlink/route/link.ts";
import { waitForLinkEvent } from "../netlink/route/linkEvents.ts";
import type { Kernel } from "../plugin/kernel.ts";
import { adoptedStanding } from "../plugin/reference/standing.ts";
import { mayStand, pidsByInode } from "./attachments.ts";

/** The kernel clears a namespace away a moment after its end, and its links with it. */
const dyingMsMax = 5000;

/**
 * Answers whether an entry's namespace lives: at its path, with a process in it, or elsewhere, as its link tells, for a
 * veth dies with the namespace of either end. (The name may be in another mount namespace, the processes in another pid
 * namespace.) Links of `all` that are just dying are waited for.
 */
export function standing(all: readonly Entry[], kernel: Kernel): (entry: Entry) => boolean {
  const [boot, pids] = [bootId(), pidsByInode()];
  const isAdoptedStanding = adoptedStanding(kernel);
  const hasLink = ({ hostLink }: Entry) => getLink(kernel.route("host"), hostLink) !== undefined;
  const dying = all.filter((entry) => !mayStand(entry, boot, pids) && hasLink(entry));
  if (dying.length > 0) waitForLinkEvent(() => !dying.some(hasLink), dyingMsMax);
  return (entry) => mayStand(entry, boot, pids) || hasLink(entry) || isAdoptedStanding(entry);
}
