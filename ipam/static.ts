/**
 * `ipam.type` "static": the addresses in the configuration. Several containers may have the same one, as in the
 * reference.
 */

import type { StaticIpamConfig } from "../conf/config/config.ts";
import { badConfig } from "../conf/fault.ts";
import { contains, formatCidr, parseAddress, parseCidr } from "../ip/address.ts";
import type { LeasedAddress } from "../store/entry.ts";
import type { Ipam } from "./ipam.ts";
import { requireAddresses } from "./requireAddresses.ts";

export const fixed: Ipam<StaticIpamConfig> = {
  acquire({ request, config, entry, store, mayTakeOver }) {
    const addresses = addressesOf(config, request.config.requestedAddresses);
    if (addresses.length === 0) throw badConfig("ipam.addresses", [], "given, or ipam left out for no addresses");
    const { made, before, ...begun } = store.begin(entry, (existing) => {
      if (existing) mayTakeOver?.(existing);
      return existing && isSame(existing.addresses, addresses) ? "keep" : { addresses, reserved: [] };
    });
    const { routes, dns } = config;
    return { addresses: begun.entry.addresses, routes, ...(dns === undefined ? {} : { dns }), made, before };
  },

  release({ attachment }, store) {
    store?.remove(attachment);
  },

  check({ attachment }, _config, store, addresses) {
    requireAddresses(attachment, store.find(attachment)?.addresses, addresses);
  },

  status() {},
};

/**
 * Requested addresses replace the configured ones. Without a prefix length they get that of the configured network that
 * contains them.
 */
function addressesOf(config: StaticIpamConfig, requested: readonly string[]): readonly LeasedAddress[] {
  if (requested.length === 0) return config.addresses;
  return requested.map((text) => {
    const address = parseCidr(text) ?? parseAddress(text);
    const network = config.addresses.find(({ address: cidr }) => address && contains(parseCidr(cidr)!, address));
    const prefixLength =
      address && "prefixLength" in address
        ? address.prefixLength
        : network && Number(network.address.slice(network.address.indexOf("/") + 1));
    if (address === undefined || prefixLength === undefined) {
      throw badConfig("requested address", text, "an address with a prefix length, such as 10.1.0.7/24");
    }
    const cidr = formatCidr({ ...address, prefixLength: prefixLength as number });
    return { address: cidr, ...(network?.gateway === undefined ? {} : { gateway: network.gateway }) };
  });
}

function isSame(a: readonly LeasedAddress[], b: readonly LeasedAddress[]): boolean {
  return a.length === b.length && a.every(({ address }, i) => address === b[i]?.address);
}
