/** The route to an address's subnet, which the kernel makes with the address and which may be lost by itself. For CHECK and repair. */
import { addressBits, type Cidr, networkOf, parseCidr } from "../../ip/address.ts";
import { addressBytes, addressFromBytes } from "../../ip/bytes.ts";
import type { Kernel, Where } from "../../kernel/kernel.ts";
import { addressFamily } from "../../netlink/route/address.ts";
import { addRoute, listRoutes, routeScope } from "../../netlink/route/route.ts";
import { errno, tolerating } from "../../sys/errors.ts";

/** An address on a link, as a step has it. */
export interface SubnetAddress {
  readonly where: Where;
  readonly link: string;
  /** CIDR. */
  readonly address: string;
  readonly noPrefixRoute?: true | undefined;
  readonly subnetElsewhere?: true;
}

/**
 * As the kernel makes it with the address, and at no other time. False where that is the only way: for an interface in a
 * VRF, whose table the kernel knows, and where the address has lost its own route, too.
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

/** In whichever table: `sbr` and `vrf` give it to another. The host's own are its administrator's affair. */
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

/** Subnets that the kernel makes no route for (fib_add_ifaddr in net/ipv4/fib_frontend.c), and all there is. */
function isRouteless({ family, value, prefixLength }: Cidr): boolean {
  const firstByte = Number(value >> 24n);
  return prefixLength === 0 || (family === 4 && (firstByte === 0 || (firstByte & 0xf0) === 0xe0));
}
