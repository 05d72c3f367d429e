/**
 * A store made anew from the kernel: every link of ours says whose it is, and the namespace at its other end is asked
 * which addresses it has, so that none of them is given to anybody else. What it runs in is the making of the store:
 * nobody gives an address out of it before this is done.
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
import { errno, isKernelError } from "../../sys/errors.ts";
import { begin, type PresentAttachment } from "./presentAttachment.ts";
import { rebuildContainerLinks } from "./rebuildContainerLinks.ts";
import { belongs, type RebuildScope } from "./scope.ts";
import { stepsFromKernel } from "./stepsFromKernel.ts";

/** Writes an entry for each attachment that stands, has none and is no other store's; how many that were. */
export function rebuild(draft: Store, kernel: Kernel, making: RebuildScope): number {
  // What is on the host comes first: of the rest a container may have written that it is another's.
  return rebuildVeths(draft, kernel, making) + rebuildContainerLinks(draft, kernel, making);
}

function rebuildVeths(draft: Store, kernel: Kernel, making: RebuildScope): number {
  const standing = linksOf(making, kernel);
  if (standing.length === 0) return 0;
  const known = new Set(draft.entries().map(({ hostLink }) => hostLink));
  const hosts = standing.filter((link) => !known.has(createdName(link)));
  const namespaces = namespacesById(kernel.route("host"));
  const all = hosts.flatMap((host) => standingOf(host, namespaces, kernel, making) ?? []);
  for (const one of all) enter(draft, one, kernel);
  return all.length;
}

/** Names and groups that nobody else would give, and both ends of a veth; where somebody gave it another name, its alias tells. */
function isOurs({ name = "", info, group = 0, alias = "" }: Link): boolean {
  if (info?.kind !== vethKind || !isOurGroup(group)) return false;
  return isHostLinkName(name) || attachmentOfHostAlias(alias, group) !== undefined;
}

/** Those of attachments that such a store is made of. */
export function linksOf(making: RebuildScope, kernel: Kernel): Link[] {
  return listLinks(kernel.route("host")).filter(
    (link) => isOurs(link) && belongs(link.alias ?? "", attachmentOf(link, making).network, making),
  );
}

/** Undefined where the container's namespace is at its end. */
function standingOf(
  host: Link,
  namespaces: ReadonlyMap<number, SeenNamespace>,
  kernel: Kernel,
  making: RebuildScope,
): PresentAttachment | undefined {
  const attachment = attachmentOf(host, making);
  const { peerNetnsId: id, peerIndex = 0 } = host;
  const socket = kernel.route("host");
  const bridge = host.master === undefined ? undefined : kernel.linkByIndex(host.master);
  const inside = unlessDying(() => ({
    inner: getLink(socket, peerIndex, id),
    addresses: globalOnes(listAddresses(socket, peerIndex, id)),
  }));
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

/** The number of a namespace that ends is refused (EINVAL). */
function unlessDying<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isKernelError(error, errno.EINVAL)) return undefined;
    throw error;
  }
}

/**
 * An ADD that was killed before it had told the link whose it is left one that nobody can name, and so do names that are
 * too long for an alias. It stands under its own name: on the network that the store is made for, where it is of that
 * one's group, or else on one that no configuration can have. DEL knows both.
 */
function attachmentOf({ name = "", alias = "", group = 0 }: Link, making: RebuildScope): Attachment {
  const told = isHostLinkName(name) ? attachmentOfAlias(alias, name, group) : attachmentOfHostAlias(alias, group);
  if (told) return told;
  const isAsked = making.network !== undefined && linkGroup(making.network) === group;
  return unnamedAttachment(name, isAsked ? making.network! : unnamedNetwork(group));
}

function enter(draft: Store, standing: PresentAttachment, kernel: Kernel): void {
  const { attachment, addresses, inner } = standing;
  begin(
    draft,
    entryOf(standing),
    addresses,
    addresses.map((cidr) => leasedOf(cidr, standing)),
  );
  const steps = stepsFromKernel(standing, kernel);
  draft.attached(attachment, { ...(inner?.address && { mac: inner.address }), steps });
}

function leasedOf(cidr: Cidr, { bridgeAddresses }: PresentAttachment): LeasedAddress {
  const gateway = bridgeAddresses.find((one) => contains(networkOf(cidr), one));
  return { address: formatCidr(cidr), ...(gateway && { gateway: formatAddress(gateway) }) };
}

/** Who gave the addresses is not written in the kernel: empty, so that DEL asks the configuration. */
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
