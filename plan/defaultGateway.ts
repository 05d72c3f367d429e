/** Gateways for addresses of a delegate or of `static` that have none, on a network with isGateway. */
import { contains, formatAddress, networkOf, parseCidr } from "../ip/address.ts";
import type { Lease } from "../ipam/ipam.ts";
import type { LeasedAddress } from "../store/entry.ts";

/** Each gets the first address of its subnet, as with the reference, unless the subnet has no other address. */
export function withDefaultGateways(lease: Lease): Lease {
  return { ...lease, addresses: lease.addresses.map((one) => (one.gateway === undefined ? withFirst(one) : one)) };
}

function withFirst(one: LeasedAddress): LeasedAddress {
  const own = parseCidr(one.address)!;
  const subnet = networkOf(own);
  const first = { family: own.family, value: subnet.value + 1n };
  return first.value === own.value || !contains(subnet, first) ? one : { ...one, gateway: formatAddress(first) };
}
