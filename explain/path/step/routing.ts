/** Asks a namespace which way a packet goes, and finds the cause where there is none. */
import { formatAddress, ipCommand } from "../../../ip/address.ts";
import { addressFromBytes } from "../../../ip/bytes.ts";
import { type RouteAnswer, routeAnswerKind } from "../../../netlink/route/ask.ts";
import { listRoutes, mainTable } from "../../../netlink/route/route.ts";
import { listRules } from "../../../netlink/route/rule.ts";
import { addressOf, type Packet } from "../../rules/packet.ts";
import { Blocked, type CauseCode } from "../cause.ts";
import { farAway, isFarAway } from "../packets.ts";
import { isLoopback, isVeth, type Site, type SiteAddress, type SiteLink } from "../site/site.ts";
import { isInNetwork } from "../site/surroundings.ts";
import type { Walk } from "../walk.ts";
import { lostRouteCure, sentAstrayCure } from "./lostRoute.ts";

export interface Way {
  readonly link: SiteLink;
  /** The neighbour to which the packet goes. */
  readonly nextHop: Uint8Array;
  readonly isGateway: boolean;
  readonly isLocal: boolean;
  readonly answer: RouteAnswer;
}

export const textOf = (address: Uint8Array): string => formatAddress(addressFromBytes(address));
/** `ip`, or `ip -6` for an address of 16 bytes. */
export const ipOf = (address: Uint8Array) => ipCommand(address.length === 4 ? 4 : 6);

/** Throws Blocked if there is no route. `input`: the link by which the packet came. */
export function wayOf(walk: Walk, site: Site, packet: Packet, input?: SiteLink): Way {
  const destination = addressOf(packet, "destination");
  const source = addressOf(packet, "source");
  const answer = site.ask({
    ...{ destination, mark: packet.mark, inputIndex: input?.index },
    source: input || site.holds(source) ? source : undefined,
  });
  const link = "errno" in answer ? undefined : site.link(answer.outputIndex);
  const isUsable = !("errno" in answer) && answer.kind < routeAnswerKind.blackhole;
  if (!isUsable || link === undefined) throw noRoute(walk, site, destination, source);
  const nextHop = answer.gateway ?? destination;
  const isGateway = answer.gateway !== undefined;
  return { link, nextHop, isGateway, isLocal: answer.kind === routeAnswerKind.local, answer };
}

/** `10.1.0.3 via 10.1.0.1 dev eth0` */
export function wayText({ link, nextHop, isGateway, answer }: Way, destination: Uint8Array): string {
  const why = answer.isRedirected ? " by an ICMP redirect" : "";
  return `${textOf(destination)}${isGateway ? ` via ${textOf(nextHop)}` : ""} dev ${link.name}${why}`;
}

/** Priorities of the rules that every namespace has: tables local, main and default. */
const usualPriorities = [0, 32766, 32767, undefined];

/** Rules of `ip rule` that a person or a program added, for this version of IP. */
export function addedRules(site: Site, version: 4 | 6) {
  const family = version === 4 ? 2 : 10;
  return listRules(site.route).filter((one) => one.family === family && !usualPriorities.includes(one.priority));
}

function noRoute(walk: Walk, site: Site, destination: Uint8Array, source: Uint8Array): Blocked {
  const isOutside = walk.question.to.is === "outside" && isFarAway(destination);
  const to = isOutside ? "the outside" : textOf(destination);
  const where = site.where;
  const fail = (code: CauseCode, what: string, cure: string) => {
    walk.note(where, "route", what, "drop");
    return new Blocked({ code, where, what, cure });
  };
  const rules = addedRules(site, destination.length === 4 ? 4 : 6).filter(
    ({ action, table }) => action !== toTable || table !== mainTable,
  );
  const [rule] = rules;
  if (rule !== undefined) {
    const cure = `${site.prefix}${ipOf(destination)} rule del priority ${rule.priority}`;
    return fail("policy-route", `an ip rule with priority ${rule.priority} leaves ${to} without a route`, cure);
  }
  const closed = closedRoute(site, destination);
  const code = walk.isBack ? "no-return-route" : site.isHost ? "no-host-route" : "no-route";
  if (closed !== undefined) {
    return fail(
      code,
      `a route of type ${closed} takes ${to}`,
      `${site.prefix}${ipOf(destination)} route del ${closed}`,
    );
  }
  const narrow = narrowAddress(walk, site, destination);
  if (narrow && !site.isHost) return fail("wrong-prefix", wrongPrefixText(narrow, to), prefixCure(site, narrow));
  const kind = isOutside ? "default route" : "route";
  const way = walk.isBack ? `there is no route back to ${to}` : `there is no ${kind} to ${to}`;
  const link = site.isHost ? linkTowards(walk, site, destination) : undefined;
  if (link && !isGatewayOn(site, link, destination))
    return fail(code, `${way} from ${textOf(source)}; ${notGatewayText(link)}`, sentAstrayCure(walk, destination));
  const cure = lostRouteCure(walk, site, destination) || routeCure(walk, site, destination);
  return fail(code, `${way} from ${textOf(source)}`, cure);
}

/** A network without a gateway on the host is meant to be reached through a router, or not at all. */
export const isGatewayOn = ({ addresses }: Site, { index }: SiteLink, { length }: Uint8Array) =>
  addresses.some((one) => one.linkIndex === index && one.bytes.length === length && !one.isLinkLocal);

export const notGatewayText = ({ name }: SiteLink) =>
  `the host has no address on ${name}, so it is no gateway of that network`;

const closedKinds: Readonly<Record<number, string>> = { 6: "blackhole", 7: "unreachable", 8: "prohibit" };

/** The route that refuses the address, as ip(8) writes it: `blackhole 10.21.0.0/24`. */
function closedRoute(site: Site, destination: Uint8Array): string | undefined {
  const found = listRoutes(site.route, destination.length === 4 ? 2 : 10, { table: mainTable })
    .filter((one) => {
      const network = one.destination ?? new Uint8Array(destination.length);
      return one.kind in closedKinds && isInNetwork(destination, network, one.dstLength);
    })
    .sort((a, b) => b.dstLength - a.dstLength)[0];
  if (found === undefined) return undefined;
  const network = found.dstLength === 0 ? "default" : `${textOf(found.destination!)}/${found.dstLength}`;
  return `${closedKinds[found.kind]} ${network}`;
}

/** FR_ACT_TO_TBL. */
const toTable = 1;

export interface Narrow {
  readonly own: SiteAddress;
  readonly link: SiteLink;
  /** The prefix length that the other side of the link has. */
  readonly wanted: number;
}

/** An address of the namespace whose network differs from that of the bridge or gateway on its link. */
export function narrowAddress(walk: Walk, site: Site, destination: Uint8Array): Narrow | undefined {
  for (const own of site.addresses) {
    const link = site.link(own.linkIndex);
    if (link === undefined || isLoopback(link) || own.isLinkLocal) continue;
    for (const other of acrossAddresses(walk, site, link)) {
      if (other.isLinkLocal || !isInNetwork(own.bytes, other.bytes, other.prefixLength)) continue;
      const isInTheirs = isInNetwork(destination, other.bytes, other.prefixLength);
      const isInOwn = isInNetwork(destination, own.bytes, own.prefixLength);
      if (isInTheirs !== isInOwn && other.prefixLength !== own.prefixLength)
        return { own, link, wanted: other.prefixLength };
    }
  }
  return undefined;
}

export function wrongPrefixText({ own, link, wanted }: Narrow, to: string): string {
  return `${own.text}/${own.prefixLength} of ${link.name} has the wrong prefix length for ${to}: the network has /${wanted}`;
}

export function prefixCure(site: Site, { own, link, wanted }: Narrow): string {
  const ip = ipOf(own.bytes);
  const add = `${ip} address add ${own.text}/${wanted} dev ${link.name}${own.bytes.length === 16 ? " nodad" : ""}`;
  const remove = `${ip} address del ${own.text}/${own.prefixLength} dev ${link.name}`;
  return `${site.prefix}sh -c '${remove} && ${add}${gatewayAgain(site, own, link)}'`;
}

/** Routes through a gateway go with the address. */
function gatewayAgain(site: Site, own: SiteAddress, link: SiteLink): string {
  const answer = site.ask({ destination: farAway[own.bytes.length === 4 ? 4 : 6] });
  if ("errno" in answer || answer.gateway === undefined || answer.outputIndex !== link.index) return "";
  return ` && ${ipOf(own.bytes)} route replace default via ${textOf(answer.gateway)} dev ${link.name}`;
}

/** The addresses of the bridge or of the link at the other end. */
export function acrossAddresses(walk: Walk, site: Site, link: SiteLink): readonly SiteAddress[] {
  const peer = isVeth(link) ? walk.world.peerOf(site, link) : undefined;
  if (peer === undefined) return [];
  const index = peer.link.master ?? peer.link.index;
  return peer.site.addresses.filter(({ linkIndex }) => linkIndex === index);
}

function routeCure(walk: Walk, site: Site, destination: Uint8Array): string {
  const ip = ipOf(destination);
  if (site.isHost) {
    const link = linkTowards(walk, site, destination);
    return link ? `${ip} route replace ${textOf(destination)} dev ${link.name}` : "";
  }
  for (const link of site.links) {
    if (isLoopback(link)) continue;
    const gateway = acrossAddresses(walk, site, link).find(
      ({ bytes, isLinkLocal }) => bytes.length === destination.length && !isLinkLocal,
    );
    if (gateway === undefined) continue;
    const hasRoute = !("errno" in site.ask({ destination: gateway.bytes }));
    const onLink = hasRoute ? "" : " onlink";
    return `${site.prefix}${ip} route replace default via ${gateway.text} dev ${link.name}${onLink}`;
  }
  return "";
}

/** The host's link by which the asked namespace with this address is reached: its bridge, or its veth's end. */
export function linkTowards(walk: Walk, site: Site, destination: Uint8Array): SiteLink | undefined {
  for (const end of [walk.sender, walk.receiver]) {
    const own = end?.holds(destination);
    const link = own && end?.link(own.linkIndex);
    const peer = link && end && isVeth(link) ? walk.world.peerOf(end, link) : undefined;
    if (peer?.site !== site) continue;
    return (peer.link.master && site.link(peer.link.master)) || peer.link;
  }
  return undefined;
}
