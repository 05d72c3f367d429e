/** Deleting many links at once: one by one each waits for the kernel's readers; as a group they wait once. */

import { changeLink, deleteLinkGroup, type Link } from "../netlink/route/link.ts";
import { errno, isKernelError } from "../sys/errors.ts";
import type { Kernel } from "./kernel.ts";
import { condemnedGroup } from "./ownership.ts";

/** Absent is success. By index, so that a link made anew under the same name meanwhile is not meant. */
export function deleteLinks(network: string, links: readonly Link[], kernel: Kernel): void {
  if (links.length === 0) return;
  const group = condemnedGroup(network);
  for (const { name, index } of links) {
    ignoring(errno.ENODEV, () => kernel.request("host", changeLink(`deleteLinks link ${name}`, { index, group })));
  }
  ignoring(errno.ENODEV, () => kernel.request("host", deleteLinkGroup(group)));
}

export function ignoring(number: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isKernelError(error, number)) throw error;
  }
}
