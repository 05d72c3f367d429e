/** Waits until a link that was brought up carries packets. */
import { openKernel } from "../../kernel/kernel.ts";
import { eventGroup, waitForEvent } from "../../netlink/route/events.ts";
import { getLink, linkFlag, portOf } from "../../netlink/route/link.ts";
import type { Netns } from "../../sys/netns.ts";

/** BR_STATE_FORWARDING (linux/if_bridge.h). */
const forwarding = 3;

/** The kernel reports carriers from a work queue, at most once a second for links that changed a moment ago. */
const waitMsMax = 3000;

/** Until the kernel reports the link's carrier, and the bridge of a port forwards. Gives up after some seconds. */
export function awaitCarrier(netns: Netns, name: string): void {
  using kernel = openKernel({ host: netns });
  const carries = () => {
    const link = getLink(kernel.route("host"), name);
    if (link === undefined) return true; // it is gone, so there is nothing to wait for
    const port = portOf(link);
    return (link.flags & linkFlag.running) !== 0 && (port === undefined || port.state === forwarding);
  };
  if (!carries()) waitForEvent(eventGroup.link, carries, waitMsMax, kernel.openEventSocket("host"));
}
