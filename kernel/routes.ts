/** The destinations of routes. */

import { type Cidr, formatCidr, parseAddress } from "../ip/address.ts";
import { addressBytes, addressFromBytes } from "../ip/bytes.ts";
import { addressFamily } from "../netlink/route/address.ts";
import { type Link, linkFlag } from "../netlink/route/link.ts";
import { listRoutes, lookUpRoute, mainTable } from "../netlink/route/route.ts";
import type { Kernel, Where } from "./kernel.ts";

/** The interface of the default route; undefined without one. */
export function uplink(kernel: Kernel, where: Where = "host"): Link | undefined {
  for (const addresses of somewhereElse) {
    let onLink: Link | undefined;
    for (const address of addresses) {
      const route = lookUpRoute(kernel.route(where), addressBytes(parseAddress(address)!));
      if (route === undefined) break; // no default route
      const link = route.outIndex === undefined ? undefined : kernel.linkByIndex(route.outIndex, where);
      // The host may have this address itself.
      if (link?.mtu === undefined || link.flags & linkFlag.loopback) continue;
      if (route.gateway !== undefined) return link;
      // A default route over a link without addresses, or a network of the host's that uses this range.
      onLink ??= link;
    }
    if (onLink) return onLink;
  }
  return undefined;
}

/**
 * The destinations (CIDR) of the host's routes without default routes. A subnet that is chosen for a network must not
 * overlap them.
 */
export function hostNetworks(kernel: Kernel): string[] {
  return Object.values(addressFamily).flatMap((family) =>
    listRoutes(kernel.route("host"), family, { table: mainTable })
      .filter((route) => route.destination && route.dstLength > 0)
      .map((route) => formatCidr({ ...addressFromBytes(route.destination!), prefixLength: route.dstLength })),
  );
}

/** The host's routes without default routes, each with the link that it leads to. */
export function routesOfLinks(kernel: Kernel): { readonly destination: Cidr; readonly link: string }[] {
  return Object.values(addressFamily).flatMap((family) =>
    listRoutes(kernel.route("host"), family, { table: mainTable }).flatMap(({ destination, dstLength, outIndex }) => {
      if (destination === undefined || dstLength === 0 || outIndex === undefined) return [];
      const link = kernel.linkByIndex(outIndex)?.name ?? "another link";
      return [{ destination: { ...addressFromBytes(destination), prefixLength: dstLength }, link }];
    }),
  );
}

/**
 * Documentation addresses (RFC 5737, RFC 3849, RFC 9637), by family: few hosts have a route to them, so the kernel answers
 * with the default route. The next one is asked if a host does.
 */
const somewhereElse = [
  ["192.0.2.1", "198.51.100.1", "203.0.113.1"],
  ["2001:db8::1", "3fff::1"],
];

export const ethernetMtu = 1500;
