/**
 * Names of links of ours. The name of a veth's host end is a hash of (network, container, interface), so DEL needs neither
 * memory nor a lease nor a namespace.
 */

import type { Attachment } from "../conf/attachment.ts";

/** IFNAMSIZ is 16 with the closing NUL. "nsv" and 12 hex digits: 48 bits of hash. */
const hostLinkPrefix = "nsv";

const hostLinkDigits = 12;

/** All of them, in words of nft. */
export const anyHostLink = `${hostLinkPrefix}*`;

export function hash(...parts: readonly string[]): string {
  return new Bun.CryptoHasher("sha256").update(parts.join("\0")).digest("hex");
}

/** The host's end of an attachment's veth pair. */
export function hostLinkName({ network, container, ifname }: Attachment): string {
  return hostLinkPrefix + hash("link", network, container, ifname).slice(0, hostLinkDigits);
}

export function isHostLinkName(name: string): boolean {
  return name.startsWith(hostLinkPrefix) && name.length === hostLinkPrefix.length + hostLinkDigits;
}

const letterN = 0x6e;

const letterS = 0x73;

const letterV = 0x76;

const letterG = 0x67;

/** True for the name of a host's end or of a VLAN's gateway port, as the kernel writes it: closed by a zero. */
export function isOurPortName(name: Uint8Array): boolean {
  const isKind = name[2] === letterV || name[2] === letterG;
  return name[0] === letterN && name[1] === letterS && isKind && name[14] !== 0 && name[15] === 0;
}

/** The end of a VLAN's gateway that is a port of the bridge. */
export function vlanPortName(bridge: string, vlan: number): string {
  return `nsg${hash("vlan", bridge, String(vlan)).slice(0, hostLinkDigits)}`;
}

const shapingPrefix = "nsb";

/** The link that holds back what an attachment sends; its digits are those of the attachment's own link. */
export function shapingLinkName(attachment: Attachment): string {
  return shapingPrefix + hostLinkName(attachment).slice(hostLinkPrefix.length);
}

/** The attachment's link that such a link belongs to. */
export function hostLinkOfShaping(name: string): string {
  return hostLinkPrefix + name.slice(shapingPrefix.length);
}

/** A link that is never up: what is led to it is dropped. One for the host, made with the first port that 127.0.0.1 leads to. */
export const closedLink = "nsnet-closed";
