/** Which attachments are alive, for `ls`, `gc` and `uninstall`. */

import { createdName } from "../kernel/hostLink.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { eventGroup, waitForEvent } from "../netlink/route/events.ts";
import { listLinks } from "../netlink/route/link.ts";
import { isAt } from "../netlink/sameNetns.ts";
import { evidence, leadsIntoNamespace } from "../plugin/liveness/evidence.ts";
import { livenessOf, mayLive } from "../plugin/liveness/liveness.ts";
import type { Entry } from "../store/entry.ts";

/** A socket that was closed in a namespace keeps it and its links alive for an RCU grace period. */
const dyingMsMax = 500;

/**
 * Answers whether an entry may be alive. First waits a moment for entries of `all` that have only a link, because their
 * namespaces may be ending.
 */
export function living(all: readonly Entry[], kernel: Kernel): (entry: Entry) => boolean {
  const links = new Set(listLinks(kernel.route("host")).map(createdName));
  // Most attachments are settled by a look at the path, which costs a tenth of asking the kernel about each link.
  const isAtPath = ({ hostLink, netnsPath, netnsDevice: device, netnsInode: inode }: Entry) =>
    links.has(hostLink) && isAt(netnsPath, { device, inode });
  const look = evidence(kernel, (entry) => isAtPath(entry) || leadsIntoNamespace(entry.hostLink, kernel));
  const dying = all.filter(
    (entry) => !isAtPath(entry) && look.inNamespace(entry) !== "interface" && look.hasHostLink(entry),
  );
  if (dying.length > 0)
    waitForEvent(eventGroup.link, () => !dying.some(look.hasHostLink), dyingMsMax, kernel.openEventSocket("host"));
  return (entry) => mayLive(livenessOf(entry, look));
}
