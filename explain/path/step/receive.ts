/** A packet of IP comes up from a link: it is for this namespace, or this namespace forwards it. */

import { routeAnswerKind } from "../../../netlink/route/ask.ts";
import { hook } from "../../rules/order.ts";
import { addressOf, type Packet, versionOf } from "../../rules/packet.ts";
import { Blocked, type CauseCode } from "../cause.ts";
import { isLoopback, type Site, type SiteLink } from "../site/site.ts";
import type { Moment, Walk } from "../walk.ts";
import { refuseDetour } from "./detour.ts";
import { filter } from "./filters.ts";
import { textOf, wayOf, wayText } from "./routing.ts";
import { reportTooBig } from "./tooBig.ts";
import { refuseFullTable } from "./tracking.ts";

/** NF_ARP_IN. */
const arpInput = 0;

export function receive(walk: Walk, moment: Extract<Moment, { at: "receive" }>): Moment | undefined {
  const { site, link, wasFiltered } = moment;
  let { packet } = moment;
  const version = versionOf(packet);
  if (version === undefined) {
    filter(walk, site, packet, { hookName: "arp input", hook: arpInput, input: link });
    return undefined;
  }
  if (version === 6 && site.number(`net/ipv6/conf/${link.name}/disable_ipv6`) === 1)
    throw ipv6Disabled(walk, site, link);
  refuseFullTable(walk, site);
  if (!wasFiltered) {
    ({ packet } = filter(walk, site, packet, { hookName: "prerouting", hook: hook.prerouting, input: link }));
  }
  const destination = addressOf(packet, "destination");
  const answer = site.ask({ destination, mark: packet.mark });
  const isLocal = isMulticast(destination) || (!("errno" in answer) && answer.kind === routeAnswerKind.local);
  if (isLocal) {
    if (!walk.isResolving) checkSource(walk, site, link, packet);
    const seen = filter(walk, site, packet, { hookName: "input", hook: hook.input, input: link });
    return walk.isResolving ? undefined : { at: "delivered", site, packet: seen.packet };
  }
  return forward(walk, site, link, packet, version);
}

const isMulticast = (address: Uint8Array) => address.length === 16 && address[0] === 0xff;

function forward(walk: Walk, site: Site, link: SiteLink, packet: Packet, version: 4 | 6): Moment {
  const destination = addressOf(packet, "destination");
  const setting = version === 4 ? `net/ipv4/conf/${link.name}/forwarding` : "net/ipv6/conf/all/forwarding";
  if (site.number(setting) === 0) {
    const what = `${site.where} does not forward IPv${version} (${setting.replaceAll("/", ".")} is 0)`;
    const isLink = version === 4 && site.number("net/ipv4/ip_forward") === 1;
    const ofAll = version === 4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
    const key = isLink ? `net.ipv4.conf.${link.name}.forwarding` : ofAll;
    throw blocked(walk, site, "forwarding-off", "forwarding", what, `${site.prefix}sysctl -w ${key}=1`);
  }
  checkSource(walk, site, link, packet);
  const way = wayOf(walk, site, packet, link);
  refuseDetour(walk, site, way, destination);
  walk.note(site.where, "route", `forwards ${wayText(way, destination)}`);
  const lower = withLowerTtl(packet);
  const at = { hookName: "forward", hook: hook.forward, input: link, output: way.link };
  const passed = filter(walk, site, lower, at);
  const last = filter(walk, site, passed.packet, { ...at, hookName: "postrouting", hook: hook.postrouting });
  reportTooBig(walk, site, packet, { name: way.link.name, mtu: way.answer.mtu ?? way.link.mtu });
  return { at: "transmit", site, link: way.link, packet: last.packet, nextHop: way.nextHop };
}

function withLowerTtl(packet: Packet): Packet {
  const network = packet.network.slice();
  network[versionOf(packet) === 4 ? 8 : 7]! -= 1;
  return { ...packet, network };
}

/** rp_filter: 1 asks for a route back by the same link, 2 for any route back. The larger of all and the link's holds. */
function checkSource(walk: Walk, site: Site, link: SiteLink, packet: Packet): void {
  const source = addressOf(packet, "source");
  if (source.length !== 4 || isLoopback(link)) return;
  if (site.holds(source) && site.number(`net/ipv4/conf/${link.name}/accept_local`) === 0) {
    const what = `the packet comes back to its sender ${textOf(source)}, which takes it for a forged one`;
    throw blocked(walk, site, "hairpin-off", "source", what, "");
  }
  const folder = "net/ipv4/conf";
  const mode = Math.max(site.number(`${folder}/all/rp_filter`), site.number(`${folder}/${link.name}/rp_filter`));
  if (mode === 0) return;
  const back = site.ask({ destination: source });
  const isRouted = !("errno" in back) && back.kind === routeAnswerKind.unicast;
  if (isRouted && (mode === 2 || back.outputIndex === link.index)) return;
  const way = isRouted ? `leaves by ${site.link(back.outputIndex)?.name}` : "has no route";
  const what = `rp_filter of ${link.name} is ${mode}: a packet back to ${textOf(source)} ${way}`;
  const cure = `${site.prefix}sysctl -w net.ipv4.conf.${isRouted ? link.name : "all"}.rp_filter=${isRouted ? 2 : 0}`;
  const both = isRouted ? cure : `${cure} net.ipv4.conf.${link.name}.rp_filter=0`;
  throw blocked(walk, site, "rp-filter", "source", what, both);
}

function ipv6Disabled(walk: Walk, site: Site, link: SiteLink): Blocked {
  const what = `IPv6 is off on ${link.name} (disable_ipv6)`;
  return blocked(
    walk,
    site,
    "ipv6-disabled",
    "address",
    what,
    `${site.prefix}sysctl -w net.ipv6.conf.${link.name}.disable_ipv6=0`,
  );
}

function blocked(walk: Walk, site: Site, code: CauseCode, thing: string, what: string, cure: string): Blocked {
  walk.note(site.where, thing, what, "drop");
  return new Blocked({ code, where: site.where, what, cure });
}
