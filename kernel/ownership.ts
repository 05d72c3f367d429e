/**
 * Names and numbers that follow from the owner. Because the same attachment always has the same host veth, and the same
 * network the same group, DEL and GC need no memory: what is ours can be told from the kernel alone.
 */

import type { Attachment } from "../conf/attachment.ts";
import { type Address, type Cidr, formatCidr } from "../ip/address.ts";
import { hash, hostLinkName } from "./linkNames.ts";

const aliasMark = "ns-net";
/** IFALIASZ less the closing NUL, which we send and the kernel counts. */
const aliasBytesMax = 254;

/**
 * What the host's end of a veth is told whose it is, in words, and in which folder's store its entry is: from these a lost
 * store is made anew. None of the names has a space in it. What is too long is told without the folder, or the container
 * (runtimes' names have 64 digits).
 */
export function aliasOf({ network, container, ifname }: Attachment, dataDir: string): string {
  const alias = `${aliasMark} ${network} ${container} ${ifname}`;
  const whole = `${alias} ${dataDir}`;
  if (Buffer.byteLength(whole) <= aliasBytesMax) return whole;
  return Buffer.byteLength(alias) <= aliasBytesMax ? alias : `${aliasMark} ${network}`.slice(0, aliasBytesMax);
}

/** The folder that an alias tells; empty where it tells none. */
export function dataDirOfAlias(alias: string): string {
  return alias.split(" ").slice(4).join(" ");
}

/** True for the alias of that attachment's interface, in whichever store its entry is. */
export function isAliasOf(alias: string, { network, container, ifname }: Attachment): boolean {
  return `${alias} `.startsWith(`${aliasMark} ${network} ${container} ${ifname} `);
}

/** The attachment that an alias tells, where its network has that group: whatever the link is called by now. */
export function attachmentOfHostAlias(alias: string, group: number): Attachment | undefined {
  const [mark, network = "", container = "", ifname = ""] = alias.split(" ");
  if (mark !== aliasMark || ifname === "" || linkGroup(network) !== group) return undefined;
  return { network, container, ifname };
}

/**
 * The attachment that a link says it is of, so far as its name and group say the same. One whose container is not told
 * goes by the link's own name; undefined for one that was never told anything, as its ADD was killed before.
 */
export function attachmentOfAlias(alias: string, name: string, group: number): Attachment | undefined {
  const [mark, network = "", container = "", ifname = ""] = alias.split(" ");
  if (mark !== aliasMark || linkGroup(network) !== group) return undefined;
  const attachment = { network, container, ifname };
  return hostLinkName(attachment) === name ? attachment : untoldAttachment(name, network);
}

/**
 * What stands for an attachment whose link does not tell its names: they are too long for an alias, or its ADD was killed
 * before. With the network, or without that, too.
 */
export function untoldAttachment(hostLink: string, network: string): Attachment {
  return { network, container: hostLink, ifname: "-" };
}

/** On a network that no configuration can have. */
export function untoldNetwork(group: number): string {
  return `-${group.toString(16)}`;
}

/** The attachment that an interface in a container says it is of, where its group says the same. */
export function attachmentOfContainerAlias(alias: string, ifname: string, group: number): Attachment | undefined {
  const [mark, network = "", container = ""] = alias.split(" ");
  if (mark !== aliasMark || container === "" || containerLinkGroup(network) !== group) return undefined;
  return { network, container, ifname };
}

/**
 * What stands for an attachment in that namespace while another namespace says that it is the same attachment's. No
 * runtime gives a container such a name.
 */
export function disputed(attachment: Attachment, netnsInode: bigint): Attachment {
  return { ...attachment, container: `-${netnsInode}` };
}

export function isDisputed({ container }: Attachment): boolean {
  return container.startsWith("-");
}

/**
 * Written on each thing of nf_tables that is an attachment's: its link's name and its network's group, by which it is
 * found again, and for people the container. Names of 255 characters are cut (NFT_USERDATA_MAXLEN, one byte of length).
 */
export function ownerMark(attachment: Attachment): string {
  const { network, container, ifname } = attachment;
  const key = `${hostLinkName(attachment)} ${linkGroup(network).toString(16)}`;
  return `${key} ${ifname} ${container.slice(0, 64)}`;
}

/** The container, at most 64 characters of its name, and the interface that a mark tells. */
export function toldByMark(mark: string): { readonly container: string; readonly ifname: string } {
  const [, , ifname = "", ...container] = mark.split(" ");
  return { container: container.join(" "), ifname };
}

/** The beginning of the marks of a network's attachments, behind the link's name. */
export function isMarkOf(network: string, mark: string): boolean {
  return mark.split(" ")[1] === linkGroup(network).toString(16);
}

/** IFLA_GROUP of a network's veths. */
export function linkGroup(network: string): number {
  return groupOf("links", network);
}

/** IFLA_GROUP of a bridge that a network created, so that GC may remove it again. Not the veths' group: deleting that one must spare the bridge. */
export function bridgeGroup(network: string): number {
  return groupOf("bridge", network);
}

/** IFLA_GROUP of the gateways that a network made for VLANs. */
export function vlanGatewayGroup(network: string): number {
  return groupOf("vlan gateways", network);
}

/** IFLA_GROUP of a network's interfaces that were made in their containers, where nothing of the host tells of them. */
export function containerLinkGroup(network: string): number {
  return groupOf("inside", network);
}

/** IFLA_GROUP of the host's devices while a network's containers have them. In the host's namespace none of it belongs. */
export function deviceGroup(network: string): number {
  return groupOf("device", network);
}

/** IFLA_GROUP of a network's links of that kind. */
export function shapingGroup(network: string): number {
  return groupOf("shaping", network);
}

export const closedGroup = (): number => groupOf("closed", "");

/** Where GC puts stale veths in order to delete them all in one request. */
export function condemnedGroup(network: string): number {
  return groupOf("condemned", network);
}

/** True for a link that ns-net made, whatever the network and the role. */
export function isOurGroup(group: number): boolean {
  return (group & ourBit) !== 0;
}

/** Set in every group that we give, which keeps clear of the small numbers of /etc/iproute2/group. */
const ourBit = 0x40000000;

function groupOf(role: string, network: string): number {
  return (Number.parseInt(hash(role, network).slice(0, 8), 16) & 0x3fffffff) | ourBit;
}

/**
 * A hardware address for an interface that holds an IP address: 0a:58 and the IPv4 address, or a hash of the IPv6 one.
 * An address that is given out again comes with the same hardware address, so no neighbour's cache is ever wrong and
 * nothing need be announced (an announcement is flooded to every port of the bridge).
 */
export function macOf({ family, value }: Address): string {
  return `0a:58${colons(family === 4 ? value.toString(16).padStart(8, "0") : hash("mac", value.toString(16)))}`;
}

/** A hardware address for an interface without an IP address: 0a:59 and a hash of its owner. */
export function macOfOwner(...owner: readonly string[]): string {
  return `0a:59${colons(hash("mac", ...owner))}`;
}

/** The first four bytes of hexadecimal digits, each behind a colon. */
function colons(digits: string): string {
  let text = "";
  for (let i = 0; i < 8; i += 2) text += `:${digits.slice(i, i + 2)}`;
  return text;
}

export const nftTable = "ns_net";

export const masqueradePrefix = "masquerade-";
/** NFT_NAME_MAXLEN is 256; a long network name is cut, its hash stays. */
const networkNameInChainMax = 100;

/** Every chain of a network begins so. nft(8) reads letters, digits, `/`, `\`, `_` and `.` and `-` in a name. */
export function masqueradeChainPrefix(network: string): string {
  return `${masqueradePrefix}${network.slice(0, networkNameInChainMax)}-${hash("network", network).slice(0, 6)}-`;
}

/** The chain that masquerades these subnets of a network: other subnets, another chain, so "is it there" is "is it right". */
export function masqueradeChain(network: string, subnets: readonly Cidr[]): string {
  const parts = ["subnets"];
  for (const subnet of subnets) parts.push(formatCidr(subnet));
  return masqueradeChainPrefix(network) + hash(...parts).slice(0, 8);
}
