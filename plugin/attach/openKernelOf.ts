/** The kernel as a call about one container sees it. */
import type { Call } from "../../conf/call.ts";
import type { Request } from "../../conf/request.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { openContainerNetns, openIfPresent } from "../../kernel/namespace.ts";
import { roleOf } from "../../plan/types.ts";
import { closeNetns } from "../../sys/netns.ts";

/**
 * Throws Fault: code 3 if the container's namespace is gone, 8 if it is something else or the host's own. An IPAM
 * creates nothing in it, so there it may be missing: host-local's documentation has CNI_NETNS=/dev/null.
 */
export function openKernelOf({ netns, mayBeOwnNetns, config }: Request, { namespace: host, stderr }: Call): Kernel {
  const isNeeded = roleOf(config.type) !== "ipam" || isPresent(netns);
  return openKernel({ host, container: isNeeded ? openContainerNetns(netns, mayBeOwnNetns, host) : undefined, stderr });
}

function isPresent(path: string): boolean {
  const found = openIfPresent(path);
  if (found) closeNetns(found);
  return found !== undefined;
}
