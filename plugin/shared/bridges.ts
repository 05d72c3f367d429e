/**
 * What GC takes away of bridges: those that ns-net made and to which nobody is attached any more, and the gateways of
 * VLANs. Several networks may share a bridge; it has the group of the one that made it, which may be gone by the time
 * that the last port is, so whoever empties it takes it away.
 */
import type { CollectRequest } from "../../conf/request.ts";
import { ignoring } from "../../kernel/deleteLinks.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { bridgeGroup, vlanGatewayGroup } from "../../kernel/ownership.ts";
import { listPortVlans } from "../../netlink/route/bridgeVlan.ts";
import { deleteLink, type Link, listLinks } from "../../netlink/route/link.ts";
import type { Store } from "../../store/store.ts";
import { errno } from "../../sys/errors.ts";

/** Answers their names. By index, so that a bridge made anew under the same name meanwhile is not meant. */
export function removeBridges(...look: Parameters<typeof idleBridges>): string[] {
  const [, kernel] = look;
  const links = idleBridges(...look);
  for (const link of links) ignoring(errno.ENODEV, () => kernel.request("host", deleteLink(link)));
  return links.map(({ name = "" }) => name);
}

/** `gone` are links that are removed already, or that a dry run would have removed. */
export function idleBridges(
  { network, bridge }: CollectRequest,
  kernel: Kernel,
  store: Store | undefined,
  gone: readonly Link[],
): Link[] {
  const networks = [network, ...(store?.networks() ?? [])];
  const [bridgeGroups, gatewayGroups] = [bridgeGroup, vlanGatewayGroup].map((of) => new Set(networks.map(of)));
  const isGone = new Set(gone.map(({ index }) => index));
  const links = listLinks(kernel.route("host")).filter(({ index }) => !isGone.has(index));
  const gateways = links.filter(({ group = 0 }) => gatewayGroups!.has(group));
  // A gateway by itself makes no bridge busy.
  const busy = new Set(links.filter((link) => !gateways.includes(link)).map(({ master }) => master));
  const others = (store?.entries() ?? []).filter(({ attachment }) => attachment.network !== network);
  const expected = new Set(others.map((entry) => entry.bridge));
  const bridges = links.filter(
    ({ index, name = "", group = 0 }) =>
      !busy.has(index) &&
      !expected.has(name) &&
      (group === bridgeGroup(network) || (name === bridge && bridgeGroups!.has(group))),
  );
  const isIdle = new Set<number | undefined>(bridges.map(({ index }) => index));
  const unused = gateways.filter(
    (link) => isIdle.has(link.master) || (link.group === vlanGatewayGroup(network) && isAlone(link, links, kernel)),
  );
  return [...unused, ...bridges];
}

/** True when the gateway is the only port that is left in its VLAN. */
function isAlone(gateway: Link, links: readonly Link[], kernel: Kernel): boolean {
  const vlans = listPortVlans(kernel.route("host"));
  const own = vlans.get(gateway.index)?.find(({ isNative }) => isNative)?.first;
  if (own === undefined) return false;
  return !links.some(
    ({ index, master }) =>
      master === gateway.master &&
      index !== gateway.index &&
      vlans.get(index)?.some(({ first, last = first }) => first <= own && own <= last),
  );
}
