/** Everything that a frame may reach without a router: the ends of veth pairs and the ports of bridges. */
import { sameBytes } from "../../rules/packet.ts";
import { isBridge, isLoopback, isVeth, type Site, type SiteLink } from "../site/site.ts";
import type { Walk } from "../walk.ts";
import { type FarEnds, farEndsOf, isVxlan } from "./vxlan.ts";

export interface Holder {
  readonly site: Site;
  /** Where the frame arrives. */
  readonly link: SiteLink;
}

export interface Segment {
  /** Those that answer for the address. */
  readonly holders: readonly Holder[];
  /** A link leads to where this machine does not see. */
  readonly isOpen: boolean;
  /** Why a part of the segment cannot be reached. */
  readonly failure: FarEnds["failure"];
}

/** The links of a segment, whatever their state, that answer for an address when a frame leaves by `link`. */
export function holdersOf(walk: Walk, site: Site, link: SiteLink, address: Uint8Array): Segment {
  const quick = search(walk, site, link, address, "quick");
  return quick.holders.length > 0 ? quick : search(walk, site, link, address, "whole");
}

/**
 * `quick` takes it that an end of a veth with an address of its own is no port of another bridge: with hundreds of
 * namespaces on a bridge this halves the requests.
 */
function search(walk: Walk, site: Site, link: SiteLink, address: Uint8Array, how: "quick" | "whole"): Segment {
  const holders: Holder[] = [];
  const seen = new Set<string>();
  let isOpen = false;
  let failure: FarEnds["failure"];

  const arrive = (at: Site, by: SiteLink) => {
    const master = by.master === undefined ? undefined : at.link(by.master);
    if (master && isBridge(master)) spread(at, master, by);
    else endAt(at, by);
  };
  const endAt = (at: Site, by: SiteLink) => {
    if (answersFor(at, by, address)) holders.push({ site: at, link: by });
  };
  const spread = (at: Site, bridge: SiteLink, from: SiteLink | undefined) => {
    const key = `${at.netns.inode} ${bridge.index}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (from !== undefined) endAt(at, bridge);
    for (const port of at.links) {
      if (port.master !== bridge.index || port === from) continue;
      if (isVxlan(port)) tunnel(at, port);
      else if (!isVeth(port)) isOpen = true;
      else if (mayHold(at, port, address, how)) cross(at, port);
    }
  };
  const cross = (at: Site, by: SiteLink) => {
    const peer = walk.world.peerOf(at, by);
    if (peer === undefined) isOpen = true;
    else arrive(peer.site, peer.link);
  };

  const tunnel = (at: Site, by: SiteLink) => {
    const far = farEndsOf(walk, at, by);
    isOpen ||= far.isOpen;
    failure ??= far.failure;
    for (const end of far.ends) arrive(end.site, end.link);
  };

  if (isBridge(link)) spread(site, link, undefined);
  else if (isVxlan(link)) tunnel(site, link);
  else if (isVeth(link)) cross(site, link);
  else isOpen = true;
  return { holders, isOpen, failure };
}

function mayHold(site: Site, port: SiteLink, address: Uint8Array, how: "quick" | "whole"): boolean {
  const across = site.across(port);
  if (across === undefined || across.addresses.some((one) => sameBytes(one, address))) return true;
  return how === "quick" && across.hasAddress ? false : across.isPort();
}

function answersFor(site: Site, link: SiteLink, address: Uint8Array): boolean {
  if (isLoopback(link)) return false;
  const own = site.holds(address);
  if (address.length === 16) return own !== undefined && own.linkIndex === link.index && !own.isTentative;
  const folder = "net/ipv4/conf";
  const setting = (name: string) =>
    Math.max(site.number(`${folder}/all/${name}`), site.number(`${folder}/${link.name}/${name}`));
  if (own !== undefined) return setting("arp_ignore") === 0 || own.linkIndex === link.index;
  return setting("proxy_arp") === 1;
}

/** The port of a bridge that leads to a link of the segment; undefined if none does. */
export function portTowards(
  walk: Walk,
  site: Site,
  bridge: SiteLink,
  target: Holder,
  seen: Set<string> = new Set(),
): SiteLink | undefined {
  const key = `${site.netns.inode} ${bridge.index}`;
  if (seen.has(key)) return undefined;
  seen.add(key);
  const ports = site.links.filter((one) => one.master === bridge.index && isVeth(one));
  const id = site === target.site ? undefined : site.idOf(target.site.netns);
  const direct = ports.find((one) => one.peerIndex === target.link.index && one.peerNetnsId === id);
  if (direct) return direct;
  const further = ports.find((one) => {
    // Only a port that leads to another bridge may lead further.
    if (site.across(one)?.isPort() === false) return false;
    const peer = walk.world.peerOf(site, one);
    const next = peer?.link.master === undefined ? undefined : peer.site.link(peer.link.master);
    if (peer === undefined || next === undefined || !isBridge(next)) return false;
    const isEnd = peer.site === target.site && next.index === target.link.index;
    return isEnd || portTowards(walk, peer.site, next, target, seen) !== undefined;
  });
  return further ?? tunnelTowards(walk, site, bridge, target, seen);
}

/** The port that is a VXLAN device whose other end is, or leads to, the link. */
function tunnelTowards(walk: Walk, site: Site, bridge: SiteLink, target: Holder, seen: Set<string>) {
  const tunnels = site.links.filter((one) => one.master === bridge.index && isVxlan(one));
  return tunnels.find((one) =>
    farEndsOf(walk, site, one).ends.some((end) => {
      const index = end.link.master ?? end.link.index;
      if (end.site === target.site && index === target.link.index) return true;
      const next = end.link.master === undefined ? undefined : end.site.link(end.link.master);
      return next !== undefined && isBridge(next) && portTowards(walk, end.site, next, target, seen) !== undefined;
    }),
  );
}
