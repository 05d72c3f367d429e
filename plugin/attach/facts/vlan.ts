/** Facts about a bridge's VLANs. Loaded if the configuration has `vlan` or `vlanTrunk`. */

import type { NetworkConfig } from "../../../conf/config/config.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import { listPortVlans } from "../../../netlink/route/bridgeVlan.ts";
import { bridge as bridgeData } from "../../../netlink/route/kind/bridge.ts";
import { type Link, listLinks } from "../../../netlink/route/link.ts";
import type { VlanFacts } from "../../../plan/facts.ts";

export function vlanFacts(bridge: Link | undefined, config: NetworkConfig, kernel: Kernel): VlanFacts {
  const { vlanFiltering = 0, defaultVlan = usualDefault } = bridge?.info?.data ? bridgeData.get(bridge.info.data) : {};
  return {
    gatewayLink: config.isGateway && config.vlan ? `${config.bridge}.${config.vlan}` : undefined,
    defaultVlan,
    unready: bridge === undefined || vlanFiltering !== 0 ? [] : withoutNative(bridge, kernel),
  };
}

/** The default VLAN of a new bridge. */
const usualDefault = 1;

/** The ports without a VLAN for untagged frames, which a filtering bridge drops. */
function withoutNative(bridge: Link, kernel: Kernel): string[] {
  const vlans = listPortVlans(kernel.route("host"));
  // A kernel without VLAN filtering lists none, and refuses to filter later.
  if ([...vlans.values()].every((of) => of.length === 0)) return [];
  const members = [bridge, ...listLinks(kernel.route("host"), { master: bridge.index })];
  return members.flatMap(({ index, name = "" }) => (vlans.get(index)?.some(({ isNative }) => isNative) ? [] : [name]));
}
