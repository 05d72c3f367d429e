/** Finds the hardware address of a neighbour: by the entry that the namespace has, or by asking the segment. */
import { ipCommand } from "../../../ip/address.ts";
import { isUsable, type Neighbour, neighbourState } from "../../../netlink/route/neighbour.ts";
import { addressOf, type Packet, sameBytes } from "../../rules/packet.ts";
import { Blocked, type CauseCode } from "../cause.ts";
import { isBridge, isLoopback, isVeth, type Site, type SiteLink } from "../site/site.ts";
import { isInNetwork } from "../site/surroundings.ts";
import type { Walk } from "../walk.ts";
import { question } from "./frames.ts";
import { addedRules, ipOf, linkTowards, narrowAddress, prefixCure, textOf, wrongPrefixText } from "./routing.ts";
import { type Holder, holdersOf } from "./segment.ts";

export interface Found {
  /** Undefined where the segment leads out of what this machine sees. */
  readonly holder: Holder | undefined;
  readonly mac: string | undefined;
}

export function findNeighbour(walk: Walk, site: Site, link: SiteLink, nextHop: Uint8Array, packet: Packet): Found {
  const family = nextHop.length === 4 ? 2 : 10;
  const entry = site
    .neighbours(family)
    .find((one) => one.index === link.index && one.destination && sameBytes(one.destination, nextHop));
  const isKnown = entry !== undefined && isUsable(entry);
  const { holders, isOpen, failure } = holdersOf(walk, site, link, nextHop);
  const sites = new Set(holders.map((one) => one.site));
  if (sites.size > 1) throw duplicate(walk, nextHop, holders);
  const holder = holders[0];
  if (holder === undefined) {
    if (failure !== undefined) {
      walk.hops.push(...failure.hops);
      throw failure.error;
    }
    if (isOpen) return { holder: undefined, mac: entry?.address };
    throw noAnswer(walk, site, link, nextHop, packet);
  }
  const mac = holder.link.address;
  if (isKnown && entry.address !== mac && (entry.state & neighbourState.permanent) !== 0)
    throw wrongEntry(walk, site, link, entry, mac);
  if (!isKnown || entry.address !== mac) ask(walk, site, link, nextHop, holder);
  walk.note(site.where, "neighbour", `${textOf(nextHop)} is ${mac}${isKnown ? "" : " (asked)"}`);
  return { holder, mac };
}

/** Follows the question to the neighbour. Its answer takes the same way. */
function ask(walk: Walk, site: Site, link: SiteLink, nextHop: Uint8Array, holder: Holder): void {
  if (walk.isResolving) return;
  const own = site.addresses.filter(
    ({ bytes, linkIndex }) => bytes.length === nextHop.length && linkIndex === link.index,
  );
  const source = (own.find(({ bytes, prefixLength }) => isInNetwork(nextHop, bytes, prefixLength)) ?? own[0])?.bytes;
  const packet = question(source ?? new Uint8Array(nextHop.length), nextHop, link.address ?? "");
  walk.isResolving = true;
  const [target, hops] = [walk.target, walk.hops.length];
  walk.target = holder;
  try {
    walk.follow({ at: "transmit", site, link, packet, nextHop: undefined });
    walk.hops.length = hops;
  } finally {
    walk.isResolving = false;
    walk.target = target;
  }
}

function fault(walk: Walk, where: string, code: CauseCode, what: string, cure: string): Blocked {
  walk.note(where, "neighbour", what, "drop");
  return new Blocked({ code, where, what, cure });
}

const neighCommand = (address: Uint8Array) => `${ipOf(address)} neigh`;

function wrongEntry(walk: Walk, site: Site, link: SiteLink, entry: Neighbour, mac: string | undefined): Blocked {
  const address = entry.destination!;
  const what = `a permanent neighbour entry says that ${textOf(address)} is ${entry.address}, but it is ${mac}`;
  const cure = `${site.prefix}${neighCommand(address)} del ${textOf(address)} dev ${link.name}`;
  return fault(walk, site.where, "wrong-neighbour", what, cure);
}

/** The address belongs to the side that was asked about; the other one must give it up. */
function duplicate(walk: Walk, address: Uint8Array, holders: readonly Holder[]): Blocked {
  const isMeant = ({ site }: Holder) => site === walk.receiver || site === walk.sender || site.isHost;
  const other = holders.find((one) => !isMeant(one)) ?? holders.at(-1)!;
  const names = [...new Set(holders.map(({ site }) => site.where))].join(" and ");
  const own = other.site.holds(address);
  const ip = ipOf(address);
  const cure = own
    ? `${other.site.prefix}${ip} address del ${own.text}/${own.prefixLength} dev ${other.site.link(own.linkIndex)?.name}`
    : "";
  const what = `${names} both answer for ${textOf(address)}`;
  return fault(walk, other.site.where, "duplicate-address", what, cure);
}

/** Nothing on the segment answers for the address. */
function noAnswer(walk: Walk, site: Site, link: SiteLink, nextHop: Uint8Array, packet: Packet): Blocked {
  const destination = addressOf(packet, "destination");
  const text = textOf(nextHop);
  const isGateway = !sameBytes(nextHop, destination);
  const towards = site.isHost ? linkTowards(walk, site, nextHop) : undefined;
  if (towards && towards.index !== link.index) return otherLink(walk, site, link, towards, nextHop);
  const loose = looseEnd(walk, site, nextHop, link);
  if (loose) return loose;
  const narrow = narrowAddress(walk, site, destination);
  if (narrow && !site.isHost) {
    return fault(
      walk,
      site.where,
      "wrong-prefix",
      wrongPrefixText(narrow, textOf(destination)),
      prefixCure(site, narrow),
    );
  }
  if (isGateway) {
    const own = gatewayOn(walk, site, link, nextHop);
    const ip = ipOf(nextHop);
    const cure = own ? `${site.prefix}${ip} route replace default via ${own} dev ${link.name}` : "";
    const what = `the gateway ${text} does not answer on ${link.name}: nothing there has this address`;
    return fault(walk, site.where, "gateway-unreachable", what, cure);
  }
  const what = `${text} does not answer on ${link.name}: nothing there has this address`;
  const code = site.isHost ? "no-host-route" : "no-address";
  return fault(walk, walk.receiver?.where ?? site.where, code, what, "");
}

/** RT_TABLE_MAIN, RT_TABLE_LOCAL. */
const usualTables = [254, 255];

/** The host sends to a link behind which the address is not, though another link leads there. */
function otherLink(walk: Walk, site: Site, link: SiteLink, towards: SiteLink, nextHop: Uint8Array): Blocked {
  const text = textOf(nextHop);
  const version = nextHop.length === 4 ? 4 : 6;
  const ip = ipCommand(version);
  const [rule] = addedRules(site, version);
  const plain = site.ask({ destination: nextHop });
  // Without the packet's source the kernel takes the way that the rule changes.
  const isByRule = !("errno" in plain) && (plain.outputIndex === towards.index || !usualTables.includes(plain.table));
  if (rule && isByRule) {
    const what = `an ip rule with priority ${rule.priority} sends ${text} to ${link.name}, but it is behind ${towards.name}`;
    return fault(walk, site.where, "policy-route", what, `${ip} rule del priority ${rule.priority}`);
  }
  const ofHostEnd = looseEnd(walk, site, nextHop, link);
  if (ofHostEnd) return ofHostEnd;
  const own = site.addresses.find(
    ({ linkIndex, bytes, prefixLength }) => linkIndex === link.index && isInNetwork(nextHop, bytes, prefixLength),
  );
  const cure = own
    ? `${ip} address del ${own.text}/${own.prefixLength} dev ${link.name}`
    : `${ip} route replace ${text} dev ${towards.name}`;
  const what = `the host sends ${text} to ${link.name}, which has the same network, but it is behind ${towards.name}`;
  return fault(walk, site.where, "rival-route", what, cure);
}

/** The host's end of a veth that is a port of no bridge: of the namespace that asks, or of the one that has the address. */
function looseEnd(walk: Walk, site: Site, address: Uint8Array, link: SiteLink): Blocked | undefined {
  for (const end of [walk.sender, walk.receiver]) {
    const own = end === site ? ownOn(site, link, address) : end?.holds(address);
    const inner = own && end?.link(own.linkIndex);
    if (end === undefined || inner === undefined || !isVeth(inner) || isLoopback(inner)) continue;
    const peer = walk.world.peerOf(end, inner);
    if (peer === undefined || peer.link.master !== undefined) continue;
    const attached = walk.world.attachedTo(end).find((one) => one.hostLink === peer.link.name);
    const bridge =
      attached?.bridge ?? (site === peer.site && isBridge(link) ? link.name : bridgeOf(peer.site, own!.bytes));
    if (bridge === undefined) continue;
    const what = `${peer.link.name}, the host's end of ${end.where}, is not a port of the bridge ${bridge}`;
    return fault(
      walk,
      peer.site.where,
      "not-in-bridge",
      what,
      `${peer.site.prefix}ip link set ${peer.link.name} master ${bridge}`,
    );
  }
  return undefined;
}

const ownOn = (site: Site, link: SiteLink, address: Uint8Array) =>
  site.addresses.find(({ linkIndex, bytes }) => linkIndex === link.index && bytes.length === address.length);

/** The bridge that has the network of an address. */
function bridgeOf(site: Site, address: Uint8Array): string | undefined {
  return site.links.find(
    (link) =>
      isBridge(link) &&
      site.addresses.some(
        ({ linkIndex, bytes, prefixLength }) => linkIndex === link.index && isInNetwork(address, bytes, prefixLength),
      ),
  )?.name;
}

/** An address across the link that may be the gateway that was meant. */
function gatewayOn(walk: Walk, site: Site, link: SiteLink, nextHop: Uint8Array): string | undefined {
  const peer = walk.world.peerOf(site, link);
  const index = peer?.link.master ?? peer?.link.index;
  return peer?.site.addresses.find(
    ({ linkIndex, bytes, isLinkLocal }) => linkIndex === index && bytes.length === nextHop.length && !isLinkLocal,
  )?.text;
}
