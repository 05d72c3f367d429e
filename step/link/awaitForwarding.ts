/**
 * Waits until the bridge forwards the port. The kernel reports a veth's carrier to the bridge from a work queue
 * (net/core/link_watch.c), a moment after both ends are up. A packet sent before is lost; a lost ARP request delays the
 * container by a second.
 */

import { code, Fault } from "../../conf/fault.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import defer * as events from "../../netlink/route/events.ts";
import { getLink, portOf } from "../../netlink/route/link.ts";
import { errno, KernelError } from "../../sys/errors.ts";
import { differences, type Kind, missing } from "../kind.ts";

export interface AwaitForwardingStep {
  readonly kind: "awaitForwarding";
  readonly link: string;
}

/** BR_STATE_FORWARDING, linux/if_bridge.h. */
export const forwardingState = 3;
const waitMsMax = 5000;
const stateNames = ["disabled", "listening", "learning", "forwarding", "blocking"];

/** Rarely called: the bridge forwards most links by the time of the first look. */
function isEventually(forwards: () => boolean, kernel: Kernel): boolean {
  return events.waitForEvent(events.eventGroup.link, forwards, waitMsMax, kernel.openEventSocket("host"));
}

export const awaitForwarding: Kind<AwaitForwardingStep> = {
  apply({ link }, kernel) {
    const forwards = () => {
      const port = portOf(getLink(kernel.route("host"), link) ?? { index: 0, flags: 0 });
      if (!port) throw new KernelError(`find the bridge of port ${link}`, errno.ENODEV);
      return port.state === forwardingState;
    };
    if (!forwards() && !isEventually(forwards, kernel)) {
      throw new Fault(
        code.tryAgain,
        `The bridge does not forward port ${link} after ${waitMsMax} ms`,
        "See why with 'bridge -d link'; with spanning tree on, a port listens for twice the forward delay: turn it off on this bridge",
      );
    }
    return false;
  },

  check({ link }, kernel) {
    const port = portOf(kernel.link("host", link) ?? { index: 0, flags: 0 });
    if (!port) return missing(`bridge port ${link}`);
    return differences(`bridge port ${link}`, { state: "forwarding" }, { state: stateNames[port.state ?? 0] });
  },

  reason: () => "The bridge must forward before the first packet is sent.",

  print: () => [],
};
