/** A socket of a namespace sends the packet: route, the hooks output and postrouting, and out by a link. */
import { hook } from "../../rules/order.ts";
import { addressOf, sameBytes } from "../../rules/packet.ts";
import { isLoopback } from "../site/site.ts";
import type { Moment, Walk } from "../walk.ts";
import { refuseDetour } from "./detour.ts";
import { filter } from "./filters.ts";
import { wayOf, wayText } from "./routing.ts";
import { refuseFullTable } from "./tracking.ts";

export function send(walk: Walk, { site, packet }: Extract<Moment, { at: "send" }>): Moment {
  let way = wayOf(walk, site, packet);
  const destination = addressOf(packet, "destination");
  walk.note(site.where, "route", wayText(way, destination));
  refuseDetour(walk, site, way, destination);
  refuseFullTable(walk, site);
  const out = filter(walk, site, packet, { hookName: "output", hook: hook.output, output: way.link, isLocal: true });
  const isOther = !sameBytes(destination, addressOf(out.packet, "destination")) || out.packet.mark !== packet.mark;
  if (isOther) way = wayOf(walk, site, out.packet);
  const at = { hookName: "postrouting", hook: hook.postrouting, output: way.link, isLocal: true };
  const last = filter(walk, site, out.packet, at);
  if (way.isLocal || isLoopback(way.link)) {
    const loopback = site.links.find(isLoopback) ?? way.link;
    return { at: "receive", site, link: loopback, packet: last.packet };
  }
  walk.fullBytes = Math.min(walk.fullBytes, way.answer.mtu ?? way.link.mtu ?? walk.fullBytes);
  return { at: "transmit", site, link: way.link, packet: last.packet, nextHop: way.nextHop };
}
