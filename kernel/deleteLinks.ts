/** Deleting many links at once: one by one each waits for the kernel's readers; as a group they wait once. */

import { changeLink, deleteLinkGroup, type Link } from "../netlink/route/link.ts";
import { errno, tolerating } from "../sys/errors.ts";
import type { Kernel } from "./kernel.ts";
import { condemnedGroup } from "./ownership.ts";

/** Absent is success. By index, so that a link recreated under the same name meanwhile stays. */
export function deleteLinks(network: string, links: readonly Link[], kernel: Kernel): void {
  if (links.length === 0) return;
  const group = condemnedGroup(network);
  for (const { name, index } of links) {
    const message = changeLink(`mark link ${name} for deletion`, { index, group });
    tolerating(() => kernel.request("host", message), errno.ENODEV);
  }
  tolerating(() => kernel.request("host", deleteLinkGroup(group)), errno.ENODEV);
}

export function ignoring(number: number, work: () => void): void {
  tolerating(work, number);
}
