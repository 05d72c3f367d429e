/** A packet leaves by a link: the neighbour's hardware address, the link's state, and the other end. */

import { familyNetdev } from "../../../netlink/nft/read/tables.ts";
import { netdevHook } from "../../rules/order.ts";
import type { Packet } from "../../rules/packet.ts";
import { Blocked, Undecided } from "../cause.ts";
import { isBridge, isUp, isVeth, type Site, type SiteLink } from "../site/site.ts";
import type { Moment, Walk } from "../walk.ts";
import { leaveBridge } from "./bridge.ts";
import { down } from "./down.ts";
import { filter } from "./filters.ts";
import { hasFrames, withFrame } from "./frames.ts";
import { findNeighbour } from "./neighbour.ts";
import type { Holder } from "./segment.ts";
import { encapsulate, isVxlan } from "./vxlan.ts";

export function transmit(walk: Walk, moment: Extract<Moment, { at: "transmit" }>): Moment {
  const { site, link, nextHop, isBridged } = moment;
  if (!isUp(link)) throw down(walk, site, link);
  let { packet } = moment;
  if (nextHop !== undefined) {
    const framed = frameFor(walk, site, link, nextHop, packet);
    if (framed === undefined) return { at: "outside", site, link, packet };
    packet = framed;
  }
  if (isBridged) refuseTooBig(walk, site, link);
  ({ packet } = filter(walk, site, packet, {
    hookName: "egress",
    hook: netdevHook.egress,
    family: familyNetdev,
    output: link,
  }));
  if (isBridge(link)) return leaveBridge(walk, site, link, packet);
  if (isVxlan(link)) {
    const next = encapsulate(walk, site, link, packet);
    if (next.at === "arrive" && !isUp(next.link)) throw down(walk, next.site, next.link);
    return next;
  }
  if (!isVeth(link)) {
    if (site.isHost) return { at: "outside", site, link, packet };
    throw new Undecided(site.where, `links of kind ${link.info?.kind ?? "hardware"} (${link.name}) are not followed`);
  }
  const peer = walk.world.peerOf(site, link);
  if (peer === undefined)
    throw new Undecided(site.where, `the other end of ${link.name} cannot be seen`, "Run it as root");
  if (!isUp(peer.link)) throw down(walk, peer.site, peer.link);
  refuseTooBig(walk, peer.site, peer.link);
  if (!walk.isResolving) noteCrossing(walk, site, link, peer);
  return { at: "arrive", site: peer.site, link: peer.link, packet };
}

function noteCrossing(walk: Walk, site: Site, link: SiteLink, peer: Holder): void {
  const crossing = { from: link.name, to: peer.link.name, into: peer.site.where };
  walk.note(site.where, "veth", `${link.name} to ${peer.link.name} in ${peer.site.where}`, "pass", crossing);
}

/** Undefined: the neighbour is not on this machine. */
function frameFor(walk: Walk, site: Site, link: SiteLink, nextHop: Uint8Array, packet: Packet): Packet | undefined {
  const own = link.address;
  if (!hasFrames(own)) return undefined;
  const { holder, mac } = findNeighbour(walk, site, link, nextHop, packet);
  if (holder === undefined || mac === undefined) return undefined;
  walk.target = holder;
  return withFrame(packet, own, mac);
}

/** A frame that is too big for a port of a bridge, or for the end of a veth, is lost without an error. */
function refuseTooBig(walk: Walk, site: Site, link: SiteLink): void {
  if (walk.isResolving || link.mtu === undefined || walk.fullBytes <= link.mtu) return;
  const what = `${link.name} has MTU ${link.mtu}: packets of ${walk.fullBytes} bytes are lost without an error`;
  walk.note(site.where, "mtu", what, "drop");
  const cure = `${site.prefix}ip link set ${link.name} mtu ${walk.fullBytes}`;
  throw new Blocked({ code: "mtu", where: site.where, what, cure });
}
