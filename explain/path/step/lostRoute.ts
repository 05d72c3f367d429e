/** A route that ns-net gave a namespace with its attachment, and that the kernel lacks now. */
import { ipCommand, networkOf, parseAddress, parseCidr } from "../../../ip/address.ts";
import { addressBytes } from "../../../ip/bytes.ts";
import { listRoutes, mainTable } from "../../../netlink/route/route.ts";
import { sameBytes } from "../../rules/packet.ts";
import { isUp, type Site } from "../site/site.ts";
import { isInNetwork } from "../site/surroundings.ts";
import type { Walk } from "../walk.ts";

/** The command that restores the one by which the destination is reached; empty if none of them is lost. */
export function lostRouteCure(walk: Walk, site: Site, destination: Uint8Array): string {
  const [best] = walk.world
    .attachedTo(site)
    .flatMap(({ ifname, routes }) => {
      const link = site.links.find(({ name }) => name === ifname);
      return link !== undefined && isUp(link) ? routes.map((one) => ({ ...one, ifname })) : [];
    })
    .map((one) => ({ ...one, cidr: parseCidr(one.dst)! }))
    .filter(({ cidr }) => isInNetwork(destination, addressBytes(cidr), cidr.prefixLength))
    .sort((a, b) => b.cidr.prefixLength - a.cidr.prefixLength);
  if (best === undefined) return "";
  const { cidr, gw, dst, mtu, ifname } = best;
  const network = addressBytes(networkOf(cidr));
  const isThere = listRoutes(site.route, destination.length === 4 ? 2 : 10, { table: mainTable }).some(
    (one) =>
      one.table === mainTable &&
      one.dstLength === cidr.prefixLength &&
      (cidr.prefixLength === 0 || sameBytes(one.destination ?? new Uint8Array(), network)),
  );
  if (isThere) return "";
  const hasNoRoute = "errno" in site.ask({ destination: addressBytes(parseAddress(gw)!) });
  const to = cidr.prefixLength === 0 ? "default" : dst;
  const more = `${mtu === undefined ? "" : ` mtu ${mtu}`}${hasNoRoute ? " onlink" : ""}`;
  const ip = ipCommand(cidr.family);
  return `${site.prefix}${ip} route replace ${to} via ${gw} dev ${ifname}${more}`;
}

/** The same for the side that sent the packet, which should have gone another way. */
export function sentAstrayCure(walk: Walk, destination: Uint8Array): string {
  const origin = walk.isBack ? walk.receiver : walk.sender;
  if (origin === undefined || origin.isHost) return "";
  const answer = origin.ask({ destination });
  const isRedirected = !("errno" in answer) && answer.isRedirected;
  return isRedirected ? `${origin.prefix}ip route flush cache` : lostRouteCure(walk, origin, destination);
}
