/** Which attachments are alive, for `ls`, `gc` and `uninstall`. */

import type { Kernel } from "../kernel/kernel.ts";
import { eventGroup, waitForEvent } from "../netlink/route/events.ts";
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
  const look = evidence(kernel, ({ hostLink }) => leadsIntoNamespace(hostLink, kernel));
  const dying = all.filter((entry) => look.inNamespace(entry) !== "interface" && look.hasHostLink(entry));
  if (dying.length > 0)
    waitForEvent(eventGroup.link, () => !dying.some(look.hasHostLink), dyingMsMax, kernel.openEventSocket("host"));
  return (entry) => mayLive(livenessOf(entry, look));
}
