/** `ipam.type` "ns-net" and "host-local": addresses from ranges, kept in the store. */
import { code, Fault } from "../conf/fault.ts";
import type { StoreIpamConfig } from "../conf/network.ts";
import { requireAddresses } from "./check.ts";
import { chooseSubnet } from "./choose.ts";
import { fits, gatewaysOf, grant } from "./grant.ts";
import type { HostNetworks, Ipam } from "./ipam.ts";
import { type BoundRange, boundRange, boundSets, setText, sizeOf, spansOf } from "./range.ts";
import { readResolvConf } from "./resolv.ts";
import type { NetworkMemory, Store } from "./store.ts";

export const local: Ipam<StoreIpamConfig> = {
  acquire({ request, config, entry, store, hostNetworks }) {
    // Before the transaction: what can be refused without a lease is refused without one.
    const dns = config.resolvConf === undefined ? config.dns : { ...readResolvConf(config.resolvConf), ...config.dns };
    const configured = boundSets(config.rangeSets);
    const requested = request.config.requestedAddresses;
    const begun = store.begin(entry, (standing) => {
      const { sets, memory } = withChosen(configured, entry.attachment.network, store, hostNetworks);
      if (standing !== undefined && fits(standing, { sets, requested })) return "keep";
      return grant(store, entry, { sets, requested, memory });
    });
    const { addresses } = begun.entry;
    return { addresses, routes: config.routes, ...(dns === undefined ? {} : { dns }), made: begun.made };
  },

  release({ attachment }, store) {
    store?.remove(attachment);
  },

  check({ attachment }, _config, store, addresses) {
    requireAddresses(attachment, store.find(attachment)?.addresses, addresses);
  },

  status({ config: { name } }, config, store, hostNetworks) {
    const { sets } = withChosen(boundSets(config.rangeSets), name, store, hostNetworks);
    const gateways = gatewaysOf(sets);
    for (const set of sets) {
      const spans = spansOf(set, gateways);
      const size = sizeOf(spans);
      const used = spans.reduce((sum, { family, first, last }) => {
        return sum + store.reservedCount(name, { family, value: first }, { family, value: last });
      }, 0);
      if (BigInt(used) < size) continue;
      throw new Fault(
        code.unavailable,
        `No free address in ${setText(set)} of network ${name}: ${used} of ${size} in use`,
        'See what can be reclaimed with "ns-net gc --dry-run", or configure a larger subnet',
      );
    }
  },
};

/**
 * The range sets, or if there are none the one chosen for this network, once and for good. Of two processes that
 * choose at once, the second sees the first's choice: the caller is inside the store's write transaction.
 */
function withChosen(
  configured: readonly (readonly BoundRange[])[],
  network: string,
  store: Store,
  hostNetworks: HostNetworks,
): { sets: readonly (readonly BoundRange[])[]; memory: NetworkMemory } {
  const memory = store.memory(network) ?? { subnets: [], cursors: {} };
  if (configured.length > 0) return { sets: configured, memory };
  const chosen = memory.chosen ?? chooseSubnet(network, [...hostNetworks(), ...store.subnetsOfOthers(network)]);
  return { sets: [[boundRange({ subnet: chosen })]], memory: { ...memory, chosen } };
}
