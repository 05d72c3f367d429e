/**
 * Names and numbers derived from the owner. The same attachment always has the same host veth and the same network the
 * same group, so DEL and GC need no memory: the kernel shows what is ours.
 */

import type { Attachment } from "../conf/attachment.ts";
import { type Address, type Cidr, formatCidr } from "../ip/address.ts";
import { hash, hostLinkName } from "./linkNames.ts";

const aliasMark = "ns-net";
/** IFALIASZ less the closing NUL, which we send and the kernel counts. */
const aliasBytesMax = 254;

/**
 * Alias of a host veth: `ns-net NETWORK CONTAINER IFNAME DATADIR`. A lost store is rebuilt from these. No name contains
 * a space. If it is too long, the folder is left out, then also the container and the interface (runtimes' container
 * names have 64 characters).
 */
export function aliasOf({ network, container, ifname }: Attachment, dataDir: string): string {
  const alias = `${aliasMark} ${network} ${container} ${ifname}`;
  const whole = `${alias} ${dataDir}`;
  if (Buffer.byteLength(whole) <= aliasBytesMax) return whole;
  return Buffer.byteLength(alias) <= aliasBytesMax ? alias : `${aliasMark} ${network}`.slice(0, aliasBytesMax);
}

/** The folder in an alias; empty if it has none. */
export function dataDirOfAlias(alias: string): string {
  return alias.split(" ").slice(4).join(" ");
}

/** True for an alias of that attachment, whichever folder its store is in. */
export function isAliasOf(alias: string, { network, container, ifname }: Attachment): boolean {
  return `${alias} `.startsWith(`${aliasMark} ${network} ${container} ${ifname} `);
}

/** The attachment in the alias of a host end, if the group is that of its network. The link may have been renamed. */
export function attachmentOfHostAlias(alias: string, group: number): Attachment | undefined {
  const [mark, network = "", container = "", ifname = ""] = alias.split(" ");
  if (mark !== aliasMark || ifname === "" || linkGroup(network) !== group) return undefined;
  return { network, container, ifname };
}

/**
 * The attachment in a link's alias, so far as the link's name and group agree. If the alias has no container, the
 * answer is named after the link. Undefined without an alias of ns-net: its ADD was killed before it set one.
 */
export function attachmentOfAlias(alias: string, name: string, group: number): Attachment | undefined {
  const [mark, network = "", container = "", ifname = ""] = alias.split(" ");
  if (mark !== aliasMark || linkGroup(network) !== group) return undefined;
  const attachment = { network, container, ifname };
  return hostLinkName(attachment) === name ? attachment : unnamedAttachment(name, network);
}

/**
 * A substitute for an attachment that its link does not name: the names are too long for an alias, or its ADD was
 * killed before it set one. The network may be an `unnamedNetwork`.
 */
export function unnamedAttachment(hostLink: string, network: string): Attachment {
  return { network, container: hostLink, ifname: "-" };
}

/** The substitute for a network that is known by its group alone. No configuration can have this name. */
export function unnamedNetwork(group: number): string {
  return `-${group.toString(16)}`;
}

/** The attachment in the alias of a container's interface, if the group is that of its network. */
export function attachmentOfContainerAlias(alias: string, ifname: string, group: number): Attachment | undefined {
  const [mark, network = "", container = ""] = alias.split(" ");
  if (mark !== aliasMark || container === "" || containerLinkGroup(network) !== group) return undefined;
  return { network, container, ifname };
}

/**
 * A substitute for an attachment if two namespaces claim to be its container. No runtime gives a container such a name.
 */
export function disputed(attachment: Attachment, netnsInode: bigint): Attachment {
  return { ...attachment, container: `-${netnsInode}` };
}

export function isDisputed({ container }: Attachment): boolean {
  return container.startsWith("-");
}

/**
 * The comment on every nf_tables object of an attachment: the host link's name and the network's group, by which the
 * object is found again, then interface and container for people. Long names are cut (NFT_USERDATA_MAXLEN: one byte of
 * length).
 */
export function ownerMark(attachment: Attachment): string {
  const { network, container, ifname } = attachment;
  const key = `${hostLinkName(attachment)} ${linkGroup(network).toString(16)}`;
  return `${key} ${ifname} ${container.slice(0, 64)}`;
}

/** The container (at most 64 characters of its name) and the interface in a mark. */
export function ownerInMark(mark: string): { readonly container: string; readonly ifname: string } {
  const [, , ifname = "", ...container] = mark.split(" ");
  return { container: container.join(" "), ifname };
}

/** True for a mark of an attachment to that network. */
export function isMarkOf(network: string, mark: string): boolean {
  return mark.split(" ")[1] === linkGroup(network).toString(16);
}

/** IFLA_GROUP of a network's veths. */
export function linkGroup(network: string): number {
  return groupOf("links", network);
}

/**
 * IFLA_GROUP of a bridge that a network created, so that GC may remove it. Not the group of the veths: deleting theirs
 * must spare the bridge.
 */
export function bridgeGroup(network: string): number {
  return groupOf("bridge", network);
}

/** IFLA_GROUP of the gateways that a network created for VLANs. */
export function vlanGatewayGroup(network: string): number {
  return groupOf("vlan gateways", network);
}

/** IFLA_GROUP of interfaces that a network created in containers without an end on the host. */
export function containerLinkGroup(network: string): number {
  return groupOf("inside", network);
}

/**
 * IFLA_GROUP of host devices while containers of a network have them. In the host's namespace no link has this group.
 */
export function deviceGroup(network: string): number {
  return groupOf("device", network);
}

/** IFLA_GROUP of the ifb links that limit what containers of a network send. */
export function shapingGroup(network: string): number {
  return groupOf("shaping", network);
}

export const closedGroup = (): number => groupOf("closed", "");

/** IFLA_GROUP of links that are about to be deleted by one request. */
export function deletionGroup(network: string): number {
  return groupOf("condemned", network);
}

/** True for the group of a link that ns-net created, whatever its network and role. */
export function isOurGroup(group: number): boolean {
  return (group & ourBit) !== 0;
}

/** Set in every group of ours, to keep clear of the small numbers of /etc/iproute2/group. */
const ourBit = 0x40000000;

function groupOf(role: string, network: string): number {
  return (Number.parseInt(hash(role, network).slice(0, 8), 16) & 0x3fffffff) | ourBit;
}

/**
 * The hardware address of an interface with an IP address: 0a:58 and the IPv4 address, or a hash of the IPv6 one. An
 * address that is given again has the same hardware address, so no neighbour cache becomes wrong and nothing needs to
 * be announced (a bridge floods announcements to every port).
 */
export function macOf({ family, value }: Address): string {
  return `0a:58${colons(family === 4 ? value.toString(16).padStart(8, "0") : hash("mac", value.toString(16)))}`;
}

/** The hardware address of an interface without an IP address: 0a:59 and a hash of its owner. */
export function macOfOwner(...owner: readonly string[]): string {
  return `0a:59${colons(hash("mac", ...owner))}`;
}

/** The first four bytes of hexadecimal digits, each after a colon. */
function colons(digits: string): string {
  let text = "";
  for (let i = 0; i < 8; i += 2) text += `:${digits.slice(i, i + 2)}`;
  return text;
}

export const nftTable = "ns_net";

export const masqueradePrefix = "masquerade-";
/** NFT_NAME_MAXLEN is 256. A longer network name is cut; its hash is not. */
const networkNameInChainMax = 100;

/**
 * The beginning of the name of every chain of a network. nft(8) accepts letters, digits, `/`, `\`, `_`, `.` and `-` in
 * a name.
 */
export function masqueradeChainPrefix(network: string): string {
  return `${masqueradePrefix}${network.slice(0, networkNameInChainMax)}-${hash("network", network).slice(0, 6)}-`;
}

/**
 * The chain that masquerades these subnets of a network. Other subnets give another name, so a chain that exists has
 * the right rules.
 */
export function masqueradeChain(network: string, subnets: readonly Cidr[]): string {
  const parts = ["subnets"];
  for (const subnet of subnets) parts.push(formatCidr(subnet));
  return masqueradeChainPrefix(network) + hash(...parts).slice(0, 8);
}
