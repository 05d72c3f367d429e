/** Waits until a link that was brought up carries packets. */
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { addressFamily } from "../../netlink/route/address.ts";
import { eventGroup, waitForEvent } from "../../netlink/route/events.ts";
import { getLink, linkFlag, portOf } from "../../netlink/route/link.ts";
import { deleteNeighbour, listNeighbours, neighbourState } from "../../netlink/route/neighbour.ts";
import { forwardingState } from "../../step/link/awaitForwarding.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import type { Netns } from "../../sys/netns.ts";

/** The kernel reports carriers from a work queue, at most once a second for links that changed a moment ago. */
const waitMsMax = 3000;

/** Until the kernel reports the link's carrier, and the bridge of a port forwards. Gives up after some seconds. */
export function awaitCarrier(netns: Netns, name: string): void {
  using kernel = openKernel({ host: netns });
  const carries = () => {
    const link = getLink(kernel.route("host"), name);
    if (link === undefined) return true; // it is gone, so there is nothing to wait for
    const port = portOf(link);
    return (link.flags & linkFlag.running) !== 0 && (port === undefined || port.state === forwardingState);
  };
  if (!carries()) waitForEvent(eventGroup.link, carries, waitMsMax, kernel.openEventSocket("host"));
  forgetUnresolved(name, kernel);
}

/** While a link was down, the kernel looked for neighbours in vain. It would refuse packets to them for up to three seconds. */
function forgetUnresolved(name: string, kernel: Kernel): void {
  const index = getLink(kernel.route("host"), name)?.index;
  for (const family of [addressFamily[4], addressFamily[6]]) {
    for (const one of listNeighbours(kernel.route("host"), family)) {
      const isUnresolved = (one.state & (neighbourState.incomplete | neighbourState.failed)) !== 0;
      if (one.index !== index || !isUnresolved || one.destination === undefined) continue;
      const message = deleteNeighbour(one.index, one.destination);
      tolerating(() => kernel.request("host", message), errno.ENOENT);
    }
  }
}
