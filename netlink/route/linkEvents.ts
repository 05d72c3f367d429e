/** Waiting for links to change, by the kernel's own notifications (RTNLGRP_LINK). */
import { protocol } from "../socket.ts";
import { closeFile, joinNetlinkGroup, netlinkSocket } from "../sys.ts";
import { waitReadable } from "../sysRare.ts";

const linkGroup = 1;

/** Asks `holds` now and after each change of a link in the thread's namespace; false when the time is over. */
export function waitForLinkEvent(holds: () => boolean, timeoutMs: number): boolean {
  const deadlineMs = performance.now() + timeoutMs;
  const socket = netlinkSocket(protocol.route);
  try {
    joinNetlinkGroup(socket, linkGroup);
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
