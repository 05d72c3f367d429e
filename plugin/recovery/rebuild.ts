/**
 * Rebuilds a lost store from the kernel: each link of ours names its attachment, and the namespace at its other end has
 * the addresses, so that none of them is given twice. Runs while the store is created, before another process sees it.
 */

import type { Attachment } from "../../conf/attachment.ts";
import { type Cidr, contains, formatAddress, formatCidr, networkOf } from "../../ip/address.ts";
import { globalOnes } from "../../kernel/addresses.ts";
import { createdName } from "../../kernel/hostLink.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { isHostLinkName } from "../../kernel/linkNames.ts";
import { namespacesById, type SeenNamespace } from "../../kernel/namespaces.ts";
import {
  attachmentOfAlias,
  attachmentOfHostAlias,
  isOurGroup,
  linkGroup,
  unnamedAttachment,
  unnamedNetwork,
} from "../../kernel/ownership.ts";
import { listAddresses } from "../../netlink/route/address.ts";
import { vethKind } from "../../netlink/route/kind/veth.ts";
import { getLink, type Link, listLinks } from "../../netlink/route/link.ts";
import type { LeasedAddress, NewEntry } from "../../store/entry.ts";
import { thisProcess } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { begin, type PresentAttachment } from "./presentAttachment.ts";
import { rebuildContainerLinks } from "./rebuildContainerLinks.ts";
import { belongs, type RebuildScope } from "./scope.ts";
import { stepsFromKernel } from "./stepsFromKernel.ts";

/** Writes an entry for each attachment that exists, has none and belongs to no other store. Answers how many. */
export function rebuild(draft: Store, kernel: Kernel, scope: RebuildScope): number {
  // Links of the host first: in its namespace, a container may have written the name of another attachment.
  return rebuildVeths(draft, kernel, scope) + rebuildContainerLinks(draft, kernel, scope);
}

function rebuildVeths(draft: Store, kernel: Kernel, scope: RebuildScope): number {
  const links = linksOf(scope, kernel);
  if (links.length === 0) return 0;
  const known = new Set(draft.entries().map(({ hostLink }) => hostLink));
  const hosts = links.filter((link) => !known.has(createdName(link)));
  const namespaces = namespacesById(kernel.route("host"));
  const all = hosts.flatMap((host) => presentOf(host, namespaces, kernel, scope) ?? []);
  for (const one of all) enter(draft, one, kernel);
  return all.length;
}

/** A veth with a name and a group that only ns-net gives. A person may have renamed it; then its alias says so. */
function isOurs({ name = "", info, group = 0, alias = "" }: Link): boolean {
  if (info?.kind !== vethKind || !isOurGroup(group)) return false;
  return isHostLinkName(name) || attachmentOfHostAlias(alias, group) !== undefined;
}

/** Host ends of all attachments of ns-net, whichever store they belong to. */
export function everyHostEnd(kernel: Kernel): Link[] {
  return listLinks(kernel.route("host")).filter(isOurs);
}

/** Host ends of the attachments that belong to such a store. */
export function linksOf(scope: RebuildScope, kernel: Kernel): Link[] {
  return everyHostEnd(kernel).filter((link) => belongs(link.alias ?? "", attachmentOf(link, scope).network, scope));
}

/** Undefined if the container's namespace is ending. */
function presentOf(
  host: Link,
  namespaces: ReadonlyMap<number, SeenNamespace>,
  kernel: Kernel,
  scope: RebuildScope,
): PresentAttachment | undefined {
  const attachment = attachmentOf(host, scope);
  const { peerNetnsId: id, peerIndex = 0 } = host;
  const socket = kernel.route("host");
  const bridge = host.master === undefined ? undefined : kernel.linkByIndex(host.master);
  const look = () => ({
    inner: getLink(socket, peerIndex, id),
    addresses: globalOnes(listAddresses(socket, peerIndex, id)),
  });
  // The kernel refuses the number of a namespace that is ending (EINVAL).
  const inside = tolerating(look, errno.EINVAL);
  return (
    inside && {
      attachment,
      host,
      ...inside,
      bridge,
      bridgeAddresses: bridge ? globalOnes(listAddresses(socket, bridge.index)) : [],
      netns: id === undefined ? undefined : namespaces.get(id),
    }
  );
}

/**
 * A link has no alias if its ADD was killed before it wrote one, or if the names are too long for one. Its entry is under
 * the link's own name: on the network being added, if the group is that one's, or else on one that no configuration can
 * have. DEL looks for both.
 */
function attachmentOf({ name = "", alias = "", group = 0 }: Link, scope: RebuildScope): Attachment {
  const named = isHostLinkName(name) ? attachmentOfAlias(alias, name, group) : attachmentOfHostAlias(alias, group);
  if (named) return named;
  const isAdded = scope.network !== undefined && linkGroup(scope.network) === group;
  return unnamedAttachment(name, isAdded ? scope.network! : unnamedNetwork(group));
}

function enter(draft: Store, present: PresentAttachment, kernel: Kernel): void {
  const { attachment, addresses, inner } = present;
  begin(
    draft,
    entryOf(present),
    addresses,
    addresses.map((cidr) => leasedOf(cidr, present)),
  );
  const steps = stepsFromKernel(present, kernel);
  draft.attached(attachment, { mac: inner?.address || undefined, steps });
}

function leasedOf(cidr: Cidr, { bridgeAddresses }: PresentAttachment): LeasedAddress {
  const gateway = bridgeAddresses.find((one) => contains(networkOf(cidr), one));
  return { address: formatCidr(cidr), gateway: gateway && formatAddress(gateway) };
}

/** The kernel does not know the IPAM: `ipamType` is empty, so DEL takes it from the configuration. */
function entryOf({ attachment, host, bridge, netns }: PresentAttachment): NewEntry {
  return {
    attachment,
    netnsPath: netns?.path ?? "",
    netnsDevice: netns?.device ?? 0n,
    netnsInode: netns?.inode ?? 0n,
    netnsCookie: netns?.cookie ?? 0n,
    ...thisProcess(),
    bridge: bridge?.name ?? "",
    hostLink: createdName(host),
    ipamType: "",
  };
}
