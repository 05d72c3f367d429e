/** An entry that an ADD which comes again is about to take over: what it tells of may live. */

import { attachmentText } from "../../conf/attachment.ts";
import { code, Fault } from "../../conf/fault.ts";
import { formatCidr } from "../../ip/address.ts";
import { globalOnes } from "../../kernel/addresses.ts";
import { findHostLink } from "../../kernel/hostLink.ts";
import { Kernel } from "../../kernel/kernel.ts";
import { identityIn, openIfSame } from "../../kernel/namespace.ts";
import { forEachNamespace } from "../../kernel/namespaces.ts";
import { isAliasOf } from "../../kernel/ownership.ts";
import { listAddresses } from "../../netlink/route/address.ts";
import { listLinks } from "../../netlink/route/link.ts";
import { isNetns } from "../../netlink/sameNetns.ts";
import type { Entry } from "../../store/entry.ts";
import { bootId } from "../../store/index.ts";
import { closeNetns, type Netns } from "../../sys/netns.ts";
import { hasVeth } from "../removal/entrySteps.ts";

/**
 * Throws Fault where it does: its link is on this host, or its namespace has its interface or its addresses, whatever
 * names they have by now. Asked in the transaction that would take the entry over: of two ADDs at once the second sees
 * what the first has made.
 */
export function refuseLiving(entry: Entry, kernel: Kernel): void {
  if (entry.state !== "attached" || entry.bootId !== bootId()) return;
  // The ends of a veth go together.
  const lives = isOnHost(entry, kernel) || (!hasVeth(entry) && isInNamespace(entry));
  if (!lives) return;
  throw new Fault(
    code.environment,
    `Cannot attach ${attachmentText(entry.attachment)}: it is attached already, in the namespace ${entry.netnsPath}`,
    "Delete the attachment first (CNI DEL, or 'ns-net del')",
  );
}

/** Looked for anew: what was seen before may be of a moment ago. */
function isOnHost({ hostLink }: Entry, kernel: Kernel): boolean {
  kernel.forget("host", hostLink);
  return findHostLink(hostLink, kernel) !== undefined;
}

function isInNamespace(entry: Entry): boolean {
  const own = identityIn(entry);
  const told = openIfSame(entry.netnsPath, own);
  if (told) {
    const isIt = hasTracesIn(told, entry);
    closeNetns(told);
    return isIt;
  }
  // The path may be gone while a process keeps it, or a name of another one.
  let isSeen = false;
  forEachNamespace((netns) => {
    isSeen ||= isNetns(netns, own) && hasTracesIn(netns, entry);
  });
  return isSeen;
}

function hasTracesIn(netns: Netns, { attachment, addresses }: Entry): boolean {
  const kernel = new Kernel(netns);
  try {
    const socket = kernel.route("container");
    const isNamed = listLinks(socket).some(
      ({ name, alias = "" }) => name === attachment.ifname || isAliasOf(alias, attachment),
    );
    const leased = new Set(addresses.map(({ address }) => address));
    return isNamed || globalOnes(listAddresses(socket)).some((cidr) => leased.has(formatCidr(cidr)));
  } finally {
    kernel.close();
  }
}
