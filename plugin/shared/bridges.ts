/**
 * Removes bridges that ns-net created once they have no port, and the gateways of their VLANs. Networks may share a
 * bridge: it has the group of the one that created it, and the network whose last port leaves removes it.
 */
import type { CollectRequest } from "../../conf/request.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { bridgeGroup, vlanGatewayGroup } from "../../kernel/ownership.ts";
import { listPortVlans } from "../../netlink/route/bridgeVlan.ts";
import { deleteLink, type Link, listLinks } from "../../netlink/route/link.ts";
import type { Store } from "../../store/store.ts";
import { errno, tolerating } from "../../sys/errors.ts";

/** Answers their names. Deletes by index: a bridge that was recreated under the same name meanwhile stays. */
export function removeBridges(...look: Parameters<typeof idleBridges>): string[] {
  const [, kernel] = look;
  const links = idleBridges(...look);
  for (const link of links) tolerating(() => kernel.request("host", deleteLink(link)), errno.ENODEV);
  return links.map(({ name = "" }) => name);
}

/** `gone`: links that GC has removed, or in a dry run would have. */
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
  // A gateway alone does not keep a bridge.
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

/** True if the gateway is the only port in its VLAN. */
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
