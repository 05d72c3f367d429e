/** Deletes many links by one request: the kernel waits for its readers once, not once a link. */

import { changeLink, deleteLinkGroup, type Link } from "../netlink/route/link.ts";
import { errno, tolerating } from "../sys/errors.ts";
import { mayBlock } from "../sys/sharedProcess.ts";
import { findHostLink } from "./hostLink.ts";
import type { Kernel } from "./kernel.ts";
import { deletionGroup } from "./ownership.ts";

/**
 * Deletes links of a network. An absent link is success. By index, so that a link recreated under the same name
 * meanwhile stays.
 */
export function deleteLinks(network: string, links: readonly Link[], kernel: Kernel): void {
  if (links.length === 0) return;
  mayBlock("delete links"); // before they are marked: the process that does it finds them by their group
  const group = deletionGroup(network);
  for (const { name, index } of links) {
    const message = changeLink(`mark link ${name} for deletion`, { index, group });
    tolerating(() => kernel.request("host", message), errno.ENODEV);
  }
  tolerating(() => kernel.request("host", deleteLinkGroup(group)), errno.ENODEV);
}

/**
 * Deletes the links of these names, and answers the names that the host had. One name alone is looked up again: the
 * link that was seen earlier may have been deleted since.
 */
export function deleteNamedLinks(network: string, names: readonly string[], kernel: Kernel): ReadonlySet<string> {
  const found = new Map<string, Link>();
  for (const name of names) {
    kernel.forget("host", name);
    const link = findHostLink(name, kernel);
    if (link) found.set(name, link);
    kernel.forget("host", name);
  }
  deleteLinks(network, [...found.values()], kernel);
  return new Set(found.keys());
}
