/**
 * The places that a packet may come to. The walk knows no names: the command line makes a World of the machine, and of a
 * lab.
 */
import type { PublishedPort } from "../ports/publishedPort.ts";
import type { Site, SiteLink } from "./site/site.ts";

export interface Attached {
  /** `10.1.0.2/24` */
  readonly addresses: readonly string[];
  /** By which the namespace reaches other networks through a gateway. */
  readonly routes: readonly { readonly dst: string; readonly gw: string; readonly mtu?: number | undefined }[];
  readonly ifname: string;
  readonly mac: string | undefined;
  /** Packets of this network to the outside get the host's address. */
  readonly isMasqueraded: boolean;
  /** The rules of the host that should do so are gone. Reads the kernel. */
  isMasqueradeLost(): boolean;
  /** The command that attaches it again; empty where a runtime does that. */
  readonly again: string;
  readonly hostLink: string;
  readonly bridge: string | undefined;
}

export interface World extends Disposable {
  readonly host: Site;
  /** The other end of a link; undefined for one that has none, or that may not be seen. */
  peerOf(site: Site, link: SiteLink): { readonly site: Site; readonly link: SiteLink } | undefined;
  /** The interfaces that ns-net attached to a namespace, as it remembers. */
  attachedTo(site: Site): readonly Attached[];
  /** The ports that a program should have published: those in the kernel, and those that were lost there. */
  published(): { readonly ports: readonly PublishedPort[]; readonly lost: readonly number[] };
}

/** One side of the question. */
export type Party =
  | { readonly is: "site"; readonly name: string; readonly site: Site }
  | { readonly is: "gone"; readonly name: string; readonly where: string; readonly cure: string }
  | { readonly is: "address"; readonly name: string; readonly address: Uint8Array; readonly site: Site | undefined }
  | { readonly is: "outside"; readonly name: string };

export interface Question {
  readonly from: Party;
  readonly to: Party;
  readonly version: 4 | 6;
  /** Absent: a ping. */
  readonly port?: number | undefined;
  readonly protocol: "tcp" | "udp" | "icmp";
}

/**
 * The version of an address that was named; else IPv4, unless a side has, and should have, IPv6 alone. An address that a
 * namespace lost counts.
 */
export function versionOf(world: World, from: Party, to: Party): 4 | 6 {
  for (const party of [to, from]) if (party.is === "address") return party.address.length === 4 ? 4 : 6;
  const isIpv6Only = [from, to].some((party) => {
    if (party.is !== "site") return false;
    const isIpv6 = (text: string) => text.includes(":");
    const own = party.site.addresses.flatMap(({ isLinkLocal, text }) =>
      isLinkLocal || /^(?:127\.|::1$)/.test(text) ? [] : [text],
    );
    if (!own.every(isIpv6)) return false;
    const texts = [...own, ...world.attachedTo(party.site).flatMap(({ addresses }) => addresses)];
    return texts.length > 0 && texts.every(isIpv6);
  });
  return isIpv6Only ? 6 : 4;
}
