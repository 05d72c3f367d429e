/** The destinations of routes. */

import { type Cidr, formatCidr, parseAddress } from "../ip/address.ts";
import { addressBytes, addressFromBytes } from "../ip/bytes.ts";
import { addressFamily } from "../netlink/route/address.ts";
import { type Link, linkFlag } from "../netlink/route/link.ts";
import { listRoutes, lookUpRoute, mainTable } from "../netlink/route/route.ts";
import type { Kernel, Where } from "./kernel.ts";

/** The interface of the default route; undefined without one. */
export function uplink(kernel: Kernel, where: Where = "host"): Link | undefined {
  for (const text of somewhereElse) {
    const outIndex = lookUpRoute(kernel.route(where), addressBytes(parseAddress(text)!))?.outIndex;
    const link = outIndex === undefined ? undefined : kernel.linkByIndex(outIndex, where);
    if (link?.mtu !== undefined && !(link.flags & linkFlag.loopback)) return link;
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
 * Documentation addresses (RFC 5737, RFC 3849): no host has a route to them, so the kernel answers with the default
 * route.
 */
const somewhereElse = ["192.0.2.1", "2001:db8::1"];

export const ethernetMtu = 1500;
