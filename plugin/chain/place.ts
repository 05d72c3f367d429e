/** In which namespace a plugin that comes after another one did what it did, for the store. */

import type { Kernel } from "../../kernel/kernel.ts";
import type { Step } from "../../step/index.ts";
import { bootId } from "../../store/index.ts";

/** Where no step is in the namespace, it is no matter which one it is, and not worth a socket in there. */
export function placeOf(netnsPath: string, steps: readonly Step[], kernel: Kernel) {
  const isContainerLink = steps.some((step) => "where" in step && step.where === "container");
  if (isContainerLink) kernel.route("container");
  const { device, inode } = kernel.netns!;
  const identity = { netnsDevice: device, netnsInode: inode, netnsCookie: kernel.netnsCookie };
  return { netnsPath, ...identity, bootId: bootId() };
}
