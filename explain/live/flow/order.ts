/** The messages of several namespaces are read one namespace after the other: packets and their visits in the order of time. */
import type { Site } from "../../path/site/site.ts";
import type { World } from "../../path/world.ts";
import { isSameWay } from "./header.ts";
import type { TracedPacket, Visit } from "./packets.ts";

type Peers = Pick<World, "peerOf">;

/** The other end of the link by which a packet left. */
export function endOf(world: Peers, { site, outDevice }: Visit) {
  const link = site.links.find(({ name }) => name === outDevice);
  return link && world.peerOf(site, link);
}

/** From where it began, from link to link. */
export function inOrder(world: Peers, visits: readonly Visit[]): Visit[] {
  const left = [...visits];
  const found: Visit[] = [];
  const isBegun = ({ inDevice }: Visit) => inDevice === undefined;
  // Where its beginning was not seen: none of the others led there.
  const isFirst = ({ site }: Visit) => !visits.some((one) => one.site !== site && endOf(world, one)?.site === site);
  for (let next = left.find(isBegun) ?? left.find(isFirst) ?? left[0]; next !== undefined; ) {
    left.splice(left.indexOf(next), 1);
    found.push(next);
    const site = endOf(world, next)?.site;
    next = left.find((one) => one.site === site) ?? left[0];
  }
  return found;
}

/** A visit that was seen only behind a translation of its namespace: the visit before it has the addresses of before. */
export function withTranslations(visits: readonly Visit[]): void {
  for (const [at, visit] of visits.slice(1).entries()) {
    const before = visits[at]!.rewritten ?? visits[at]!.header;
    if (!isSameWay(before, visit.header)) visit.rewritten ??= visit.header;
  }
}

/** The order is that in which each namespace saw them; where two namespaces do not agree, that in which they were read. */
export function inTime(packets: readonly TracedPacket[]): TracedPacket[] {
  const queues = new Map<Site, { readonly order: number; readonly packet: TracedPacket }[]>();
  for (const packet of packets)
    for (const { site, order } of packet.visits) queues.set(site, [...(queues.get(site) ?? []), { order, packet }]);
  for (const queue of queues.values()) queue.sort((one, other) => one.order - other.order);
  const found = new Set<TracedPacket>();
  const isFirst = (packet: TracedPacket) => packet.visits.every(({ site }) => queues.get(site)![0]!.packet === packet);
  while (found.size < packets.length) {
    const heads = [...queues.values()].flatMap(([head]) => head ?? []).sort((one, other) => one.order - other.order);
    const { packet } = heads.find((head) => isFirst(head.packet)) ?? heads[0]!;
    found.add(packet);
    for (const { site } of packet.visits)
      queues.set(
        site,
        queues.get(site)!.filter((one) => one.packet !== packet),
      );
  }
  return [...found];
}
