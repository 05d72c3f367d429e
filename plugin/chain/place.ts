/** The namespace in which a chained plugin made its changes, for the store. */

import type { Kernel } from "../../kernel/kernel.ts";
import type { Step } from "../../step/index.ts";
import { bootId } from "../../store/index.ts";

/** Without a step in the container the cookie does not matter, and is not worth a socket there. */
export function placeOf(netnsPath: string, steps: readonly Step[], kernel: Kernel) {
  const isContainerLink = steps.some((step) => "where" in step && step.where === "container");
  if (isContainerLink) kernel.route("container");
  const { device, inode } = kernel.netns!;
  const identity = { netnsDevice: device, netnsInode: inode, netnsCookie: kernel.netnsCookie };
  return { netnsPath, ...identity, bootId: bootId() };
}
