/** Waiting for links or addresses to change, by the kernel's own notifications (RTNLGRP_*, linux/rtnetlink.h). */

import { closeFile, netlinkSocket } from "../../sys/libc.ts";
import { joinNetlinkGroup, waitReadable } from "../../sys/sysRare.ts";
import { protocol } from "../socket.ts";

export const eventGroup = { link: 1, ipv6Address: 9 } as const;

/**
 * Calls `holds` now and after each event of the group; false if it does not become true in time. `open` opens the
 * socket in the namespace whose events count: by default that of the thread.
 */
export function waitForEvent(
  group: number,
  holds: () => boolean,
  timeoutMs: number,
  open: () => number = () => netlinkSocket(protocol.route),
): boolean {
  const deadlineMs = performance.now() + timeoutMs;
  const socket = open();
  try {
    joinNetlinkGroup(socket, group);
    // Subscribes before asking, so that no change between the two is missed.
    while (!holds()) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return false;
      waitReadable(socket, leftMs);
    }
    return true;
  } finally {
    closeFile(socket);
  }
}
