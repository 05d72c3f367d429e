/** Waiting for links or addresses to change, by the kernel's own notifications (RTNLGRP_*, linux/rtnetlink.h). */

import { closeFile } from "../../sys/libc.ts";
import { isShared, mayBlock } from "../../sys/sharedProcess.ts";
import { joinNetlinkGroup, waitReadable } from "../../sys/sysRare.ts";

export const eventGroup = { link: 1, ipv6Address: 9 } as const;

/** How long a process waits that has other calls to serve. */
const sharedTimeoutMs = 20;

/**
 * Calls `holds` now and after each event of the group; false if it does not become true in time. `socket` receives the
 * events of the namespace that it was opened in, and is closed.
 */
export function waitForEvent(group: number, holds: () => boolean, timeoutMs: number, socket: number): boolean {
  const limitMs = isShared() ? Math.min(timeoutMs, sharedTimeoutMs) : timeoutMs;
  const deadlineMs = performance.now() + limitMs;
  try {
    joinNetlinkGroup(socket, group);
    // Subscribes before asking, so that no change between the two is missed.
    while (!holds()) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) {
        if (limitMs < timeoutMs) mayBlock(`wait ${timeoutMs} ms for an event of the kernel`);
        return false;
      }
      waitReadable(socket, leftMs);
    }
    return true;
  } finally {
    closeFile(socket);
  }
}
