/** Waits for the work that the kernel does after the last process of a lab has ended. */
import { getLink } from "../../netlink/route/link.ts";
import { NetlinkSocket, protocol } from "../../netlink/socket.ts";
import { command } from "../contestant.ts";

const marker = "cleanup0";
const namespace = "cleanup";
const waitMsMax = 60_000;
const pauseMs = 2;

/**
 * Waits until the kernel has cleaned up every namespace without a user. It does that in one queue, so a namespace that
 * is deleted now comes after all others, and its veth disappears at its turn. The kernel may take several namespaces
 * at once and delete their links first, so a second one shows that the first turn is over.
 */
export async function awaitCleanup(): Promise<void> {
  const socket = new NetlinkSocket(protocol.route);
  try {
    for (let turn = 0; turn < 2; turn++) {
      command("ip", "netns", "add", namespace);
      command("ip", "link", "add", marker, "type", "veth", "peer", "name", "eth0", "netns", namespace);
      command("ip", "netns", "del", namespace);
      const startMs = performance.now();
      while (getLink(socket, marker) !== undefined) {
        if (performance.now() - startMs > waitMsMax) throw new Error("the kernel does not clean up namespaces");
        await Bun.sleep(pauseMs);
      }
    }
  } finally {
    socket.close();
  }
}
