/**
 * A store made anew from the kernel: every link of ours says whose it is, and the namespace at its other end is asked
 * which addresses it has, so that none of them is given to anybody else. What it runs in is the making of the store:
 * nobody gives an address out of it before this is done.
 */

import type { Attachment } from "../../conf/attachment.ts";
import { type Cidr, contains, formatAddress, formatCidr, networkOf } from "../../ip/address.ts";
import type { LeasedAddress } from "../../ipam/ipam.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { namespacesById, type SeenNamespace } from "../../kernel/namespaces.ts";
import {
  addressFromBytes,
  attachmentOfAlias,
  attachmentTold,
  isHostLinkName,
  isOurGroup,
  linkGroup,
  untoldAttachment,
  untoldNetwork,
} from "../../kernel/ownership.ts";
import { madeName } from "../../kernel/renamedLink.ts";
import { addressFlag, listAddresses } from "../../netlink/route/address.ts";
import { vethKind } from "../../netlink/route/kind/veth.ts";
import { getLink, type Link, listLinks } from "../../netlink/route/link.ts";
import { routeScope } from "../../netlink/route/route.ts";
import { type NewEntry, type Store, thisProcess } from "../../store/index.ts";
import { errno, isKernelError } from "../../sys/errors.ts";
import { rebuildInside } from "./rebuildContainerLinks.ts";
import { belongs, type Making } from "./scope.ts";
import { rebuiltSteps } from "./stepsFromKernel.ts";

export interface SeenAddress extends Cidr {
  /** It stands without its subnet's route. */
  readonly noPrefixRoute?: true;
}

export interface Standing {
  readonly attachment: Attachment;
  readonly host: Link;
  /** The container's end, as its namespace has it. */
  readonly inner: Link | undefined;
  readonly addresses: readonly SeenAddress[];
  readonly bridge: Link | undefined;
  readonly bridgeAddresses: readonly Cidr[];
  /** Undefined when nothing that can be seen from here leads into it: no name, no process. */
  readonly netns: SeenNamespace | undefined;
}

/** Writes an entry for each attachment that stands, has none and is no other store's; how many that were. */
export function rebuild(draft: Store, kernel: Kernel, making: Making): number {
  // What is on the host comes first: of the rest a container may have written that it is another's.
  return rebuildVeths(draft, kernel, making) + rebuildInside(draft, making);
}

function rebuildVeths(draft: Store, kernel: Kernel, making: Making): number {
  const standing = linksOf(making, kernel);
  if (standing.length === 0) return 0;
  const known = new Set(draft.entries().map(({ hostLink }) => hostLink));
  const hosts = standing.filter((link) => !known.has(madeName(link)));
  const namespaces = namespacesById(kernel.route("host"));
  const all = hosts.flatMap((host) => standingOf(host, namespaces, kernel, making) ?? []);
  for (const one of all) enter(draft, one, kernel);
  return all.length;
}

/** Names and groups that nobody else would give, and both ends of a veth; where somebody gave it another name, its alias tells. */
function isOurs({ name = "", info, group = 0, alias = "" }: Link): boolean {
  if (info?.kind !== vethKind || !isOurGroup(group)) return false;
  return isHostLinkName(name) || attachmentTold(alias, group) !== undefined;
}

/** Those of attachments that such a store is made of. */
export function linksOf(making: Making, kernel: Kernel): Link[] {
  return listLinks(kernel.route("host")).filter(
    (link) => isOurs(link) && belongs(link.alias ?? "", attachmentOf(link, making).network, making),
  );
}

/** Undefined where the container's namespace is at its end. */
function standingOf(
  host: Link,
  namespaces: ReadonlyMap<number, SeenNamespace>,
  kernel: Kernel,
  making: Making,
): Standing | undefined {
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
function attachmentOf({ name = "", alias = "", group = 0 }: Link, making: Making): Attachment {
  const told = isHostLinkName(name) ? attachmentOfAlias(alias, name, group) : attachmentTold(alias, group);
  if (told) return told;
  const isAsked = making.network !== undefined && linkGroup(making.network) === group;
  return untoldAttachment(name, isAsked ? making.network! : untoldNetwork(group));
}

export function globalOnes(all: ReturnType<typeof listAddresses>): SeenAddress[] {
  return all.flatMap(({ local, address, scope, prefixLength, flags = 0 }): SeenAddress[] => {
    const bytes = local ?? address;
    if (bytes === undefined || scope === routeScope.link) return [];
    const isAlone = (flags & addressFlag.noPrefixRoute) !== 0;
    return [{ ...addressFromBytes(bytes), prefixLength, ...(isAlone && { noPrefixRoute: true }) }];
  });
}

function enter(draft: Store, standing: Standing, kernel: Kernel): void {
  const { attachment, addresses, inner } = standing;
  begin(
    draft,
    entryOf(standing),
    addresses,
    addresses.map((cidr) => leasedOf(cidr, standing)),
  );
  const steps = rebuiltSteps(standing, kernel);
  draft.attached(attachment, { ...(inner?.address && { mac: inner.address }), steps });
}

/** The entry, with the addresses reserved. */
export function begin(
  draft: Store,
  entry: NewEntry,
  addresses: readonly Cidr[],
  leased: readonly LeasedAddress[],
): void {
  const { network } = entry.attachment;
  const memory = draft.memory(network) ?? { subnets: [], cursors: {} };
  const subnets = [...new Set([...memory.subnets, ...addresses.map((cidr) => formatCidr(networkOf(cidr)))])];
  const chosen = memory.chosen ?? subnets[0];
  draft.begin(entry, () => ({
    addresses: leased,
    // Two containers may have been given one address by hand; the first that is found holds it.
    reserved: addresses.filter((address) => draft.holder(network, address) === undefined),
    memory: { ...memory, subnets, ...(chosen !== undefined && { chosen }) },
  }));
}

function leasedOf(cidr: Cidr, { bridgeAddresses }: Standing): LeasedAddress {
  const gateway = bridgeAddresses.find((one) => contains(networkOf(cidr), one));
  return { address: formatCidr(cidr), ...(gateway && { gateway: formatAddress(gateway) }) };
}

/** Who gave the addresses is not written in the kernel: empty, so that DEL asks the configuration. */
function entryOf({ attachment, host, bridge, netns }: Standing): NewEntry {
  return {
    attachment,
    netnsPath: netns?.path ?? "",
    netnsDevice: netns?.device ?? 0n,
    netnsInode: netns?.inode ?? 0n,
    netnsCookie: netns?.cookie ?? 0n,
    ...thisProcess(),
    bridge: bridge?.name ?? "",
    hostLink: madeName(host),
    ipamType: "",
  };
}
