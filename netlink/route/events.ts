/** Waiting for links or addresses to change, by the kernel's own notifications (RTNLGRP_*, linux/rtnetlink.h). */

import { closeFile, netlinkSocket } from "../../sys/libc.ts";
import { joinNetlinkGroup, waitReadable } from "../../sys/sysRare.ts";
import { protocol } from "../socket.ts";

export const eventGroup = { link: 1, ipv6Address: 9 } as const;

/**
 * Asks `holds` now and after each event of the group; false when the time is over. Events are those of the namespace
 * that `open` opens its socket in: the thread's own, if not told otherwise.
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
    // Listening first, then asking: a change between the two is heard.
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
