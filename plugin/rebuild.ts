/**
 * A store made anew from the kernel: every link of ours says whose it is, and the namespace at its other end is asked
 * which addresses it has, so that none of them is given to anybody else. What it runs in is the making of the store:
 * nobody gives an address out of it before this is done.
 */
import { type Cidr, contains, formatAddress, formatCidr, networkOf } from "../conf/address.ts";
import type { Attachment } from "../conf/attachment.ts";
import type { LeasedAddress } from "../ipam/ipam.ts";
import { type NewEntry, type Store, thisProcess } from "../ipam/store.ts";
import { listAddresses } from "../netlink/route/address.ts";
import { getLink, type Link, listLinks } from "../netlink/route/link.ts";
import { routeScope } from "../netlink/route/route.ts";
import type { Kernel } from "./kernel.ts";
import { addressFromBytes, attachmentOfAlias, isHostLinkName } from "./names.ts";
import { rebuildInside } from "./rebuildInside.ts";
import { rebuiltSteps } from "./rebuiltSteps.ts";
import { namespacesById, type SeenNamespace } from "./seenNamespaces.ts";
import { belongs, type Making } from "./whoseStore.ts";

export interface Standing {
  readonly attachment: Attachment;
  readonly host: Link;
  /** The container's end, as its namespace has it. */
  readonly inner: Link | undefined;
  readonly addresses: readonly Cidr[];
  readonly bridge: Link | undefined;
  readonly bridgeAddresses: readonly Cidr[];
  /** Undefined when nothing that can be seen from here leads into it: no name, no process. */
  readonly netns: SeenNamespace | undefined;
}

/** Writes an entry for each attachment that stands, has none and is no other store's; how many that were. */
export function rebuild(draft: Store, kernel: Kernel, making: Making): number {
  const inside = rebuildInside(draft, making);
  const standing = listLinks(kernel.route("host")).filter((link) => isOurs(link) && isOfStore(link, making));
  if (standing.length === 0) return inside;
  const known = new Set(draft.entries().map(({ hostLink }) => hostLink));
  const hosts = standing.filter(({ name }) => !known.has(name ?? ""));
  const namespaces = namespacesById(kernel.route("host"));
  for (const host of hosts) enter(draft, standingOf(host, namespaces, kernel), kernel);
  return inside + hosts.length;
}

/** Names and groups that nobody else would give, and both ends of a veth. */
function isOurs({ name = "", info, group = 0 }: Link): boolean {
  return isHostLinkName(name) && info?.kind === "veth" && group >= 0x40000000;
}

function isOfStore(link: Link, making: Making): boolean {
  return belongs(link.alias ?? "", attachmentOf(link).network, making);
}

function standingOf(host: Link, namespaces: ReadonlyMap<number, SeenNamespace>, kernel: Kernel): Standing {
  const attachment = attachmentOf(host);
  const { peerNetnsId: id, peerIndex = 0 } = host;
  const socket = kernel.route("host");
  const bridge = host.master === undefined ? undefined : kernel.linkByIndex(host.master);
  return {
    attachment,
    host,
    inner: getLink(socket, peerIndex, id),
    addresses: globalOnes(listAddresses(socket, peerIndex, id)),
    bridge,
    bridgeAddresses: bridge ? globalOnes(listAddresses(socket, bridge.index)) : [],
    netns: id === undefined ? undefined : namespaces.get(id),
  };
}

/**
 * An ADD that was killed before it had told the link whose it is left one that nobody can name. It stands under its own
 * name, on a network that no configuration can have, until its namespace is gone.
 */
function attachmentOf({ name = "", alias, group = 0 }: Link): Attachment {
  const told = alias === undefined ? undefined : attachmentOfAlias(alias, name, group);
  return told ?? { network: `-${group.toString(16)}`, container: name, ifname: "-" };
}

export function globalOnes(all: ReturnType<typeof listAddresses>): Cidr[] {
  return all.flatMap(({ local, address, scope, prefixLength }) => {
    const bytes = local ?? address;
    return bytes === undefined || scope === routeScope.link ? [] : [{ ...addressFromBytes(bytes), prefixLength }];
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
    ...thisProcess(),
    bridge: bridge?.name ?? "",
    hostLink: host.name ?? "",
    ipamType: "",
  };
}
