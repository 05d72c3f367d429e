/**
 * Removes the container's end of a veth whose host end a person moved to another namespace, perhaps under another name.
 * It lives on with the container's address, so DEL and GC delete it through the container's namespace.
 */
import type { Attachment } from "../../conf/attachment.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { identityIn, openIfPresent, openIfSame } from "../../kernel/namespace.ts";
import { isAliasOf, linkGroup } from "../../kernel/ownership.ts";
import { vethKind } from "../../netlink/route/kind/veth.ts";
import { deleteLink, getLink, type Link, listLinks } from "../../netlink/route/link.ts";
import { netnsIdOf } from "../../netlink/route/netnsId.ts";
import type { Entry } from "../../store/entry.ts";
import { errno, KernelError, tolerating } from "../../sys/errors.ts";
import { isSameNetns } from "../../sys/netns.ts";
import { hasVeth } from "./entrySteps.ts";
import type { Leaving } from "./leaving.ts";

/** Absent is success. The entry knows the namespace better than the caller of a DEL. */
export function removeInnerEnd({ attachment, entry, netns: path }: Leaving, host: Kernel): void {
  const known = entry && openIfSame(entry.netnsPath, identityIn(entry));
  const netns = known ?? openIfPresent(path);
  if (netns === undefined) return;
  using kernel = host.withContainer(netns);
  if (isSameNetns(netns, kernel.host)) return;
  const socket = kernel.route("container");
  const hostId = netnsIdOf(socket, kernel.host.fd);
  for (const link of listLinks(socket)) {
    // A pair with an end on this host is that of an ADD which came since.
    if (link.info?.kind !== vethKind || (hostId !== undefined && link.peerNetnsId === hostId)) continue;
    const isIt = isKnownTo(entry, link) || isEndOf(attachment, otherEnd(link, kernel));
    if (isIt) tolerating(() => kernel.request("container", deleteLink(link)), errno.ENODEV);
  }
}

/** The name alone proves nothing: another plugin may have created an interface of that name since. */
function isKnownTo(entry: Entry | undefined, { name, address }: Link): boolean {
  if (entry?.mac === undefined || !hasVeth(entry)) return false;
  return name === entry.attachment.ifname && address === entry.mac;
}

/** Compares the name, too, because ADD writes the alias a moment later. */
function isEndOf(attachment: Attachment, other: Link | undefined): boolean {
  if (other?.group !== linkGroup(attachment.network)) return false;
  return other.name === hostLinkName(attachment) || isAliasOf(other.alias ?? "", attachment);
}

/** Undefined if the kernel refuses: the other namespace is ending, or this process has no right there. */
function otherEnd({ peerIndex, peerNetnsId }: Link, kernel: Kernel): Link | undefined {
  if (peerIndex === undefined || (peerNetnsId !== undefined && peerNetnsId < 0)) return undefined;
  try {
    return getLink(kernel.route("container"), peerIndex, peerNetnsId);
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}
