/**
 * Names of links that ns-net creates. The name of a veth's host end is a hash of (network, container, interface), so
 * DEL needs no memory, no lease and no namespace.
 */

import type { Attachment } from "../conf/attachment.ts";

/** IFNAMSIZ is 16 with the closing NUL. "nsv" and 12 hex digits: 48 bits of hash. */
const hostLinkPrefix = "nsv";

const hostLinkDigits = 12;

/** Every host end, as nft(8) writes it. */
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

/** True for the name of a host end or of a VLAN gateway's port, in the kernel's bytes: closed by a zero. */
export function isOurPortName(name: Uint8Array): boolean {
  const isKind = name[2] === letterV || name[2] === letterG;
  return name[0] === letterN && name[1] === letterS && isKind && name[14] !== 0 && name[15] === 0;
}

/** The end of a VLAN gateway that is a port of the bridge. */
export function vlanPortName(bridge: string, vlan: number): string {
  return `nsg${hash("vlan", bridge, String(vlan)).slice(0, hostLinkDigits)}`;
}

const shapingPrefix = "nsb";

/** The ifb link that limits what an attachment sends. It has the digits of the attachment's host link. */
export function shapingLinkName(attachment: Attachment): string {
  return shapingPrefix + hostLinkName(attachment).slice(hostLinkPrefix.length);
}

/** The host link of the attachment that an ifb link of such a name belongs to. */
export function hostLinkOfShaping(name: string): string {
  return hostLinkPrefix + name.slice(shapingPrefix.length);
}

/**
 * A link that is never up, so what is redirected to it is dropped. One a host, created with the first port that
 * 127.0.0.1 leads to.
 */
export const closedLink = "nsnet-closed";
