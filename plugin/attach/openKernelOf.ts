/** The kernel as a call about one container sees it. */
import type { Call } from "../../conf/call.ts";
import type { Request } from "../../conf/request.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { openContainerNetns } from "../../kernel/namespace.ts";

/** Throws Fault: code 3 when the container's namespace is gone, 8 when it is something else or the host's own. */
export function openKernelOf({ netns, mayBeOwnNetns }: Request, { namespace: host, stderr }: Call): Kernel {
  return openKernel({ host, container: openContainerNetns(netns, mayBeOwnNetns, host), stderr });
}
