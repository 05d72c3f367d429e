/** The route to an address's subnet, which the kernel adds with the address, and which may be lost alone. For CHECK and repair. */
import { addressBits, type Cidr, networkOf, parseCidr } from "../../ip/address.ts";
import { addressBytes, addressFromBytes } from "../../ip/bytes.ts";
import type { Kernel, Where } from "../../kernel/kernel.ts";
import { addressFamily } from "../../netlink/route/address.ts";
import { addRoute, listRoutes, routeScope } from "../../netlink/route/route.ts";
import { errno, tolerating } from "../../sys/errors.ts";

/** The part of an address step that its route needs. */
export interface SubnetAddress {
  readonly where: Where;
  readonly link: string;
  /** CIDR. */
  readonly address: string;
  readonly noPrefixRoute?: true | undefined;
  readonly subnetElsewhere?: true;
}

/**
 * Adds the route as the kernel does with an address. False if the address must be added again instead: for an interface in
 * a VRF, whose table only the kernel knows, and if the address lost its local route, too.
 */
export function added({ where, link, address: text }: SubnetAddress, kernel: Kernel): boolean {
  if (kernel.link(where, link)?.master !== undefined) return false;
  const own = parseCidr(text)!;
  const how =
    own.family === 4
      ? { scope: routeScope.link, preferredSource: addressBytes(own) }
      : { priority: ipv6SubnetPriority };
  const subnet = { destination: addressBytes(networkOf(own)), dstLength: own.prefixLength, ...how };
  const outIndex = kernel.indexOf(where, link);
  const message = addRoute({ text: `to the subnet of ${text}`, outIndex, ...subnet, byKernel: true });
  return tolerating(() => kernel.request(where, message), errno.EINVAL, errno.EEXIST) !== undefined;
}

/** IP6_RT_PRIO_ADDRCONF. */
const ipv6SubnetPriority = 256;

/** True if no table has the route: `sbr` and `vrf` move it to another. False for the host, whose routes the administrator may change. */
export function isLost(
  { where, link, address: text, noPrefixRoute, subnetElsewhere }: SubnetAddress,
  kernel: Kernel,
): boolean {
  const subnet = networkOf(parseCidr(text)!);
  const { family, prefixLength } = subnet;
  if (where === "host" || noPrefixRoute || subnetElsewhere || prefixLength === addressBits(family)) return false;
  if (isRouteless(subnet)) return false;
  const outIndex = kernel.indexOf(where, link);
  return !listRoutes(kernel.route(where), addressFamily[family], { outIndex }).some((route) => {
    const { destination, dstLength, gateway } = route;
    if (route.outIndex !== outIndex || gateway || !destination || dstLength !== prefixLength) return false;
    return addressFromBytes(destination).value === subnet.value;
  });
}

/** Subnets for which the kernel adds no route (fib_add_ifaddr in net/ipv4/fib_frontend.c), and 0.0.0.0/0 and ::/0. */
function isRouteless({ family, value, prefixLength }: Cidr): boolean {
  const firstByte = Number(value >> 24n);
  return prefixLength === 0 || (family === 4 && (firstByte === 0 || (firstByte & 0xf0) === 0xe0));
}
