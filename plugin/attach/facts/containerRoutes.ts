/** The routes by an interface in the container's main table, as steps that would create them. */

import { addressBits, formatAddress, formatCidr } from "../../../ip/address.ts";
import { addressFromBytes } from "../../../ip/bytes.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import { addressFamily } from "../../../netlink/route/address.ts";
import { listRoutes, mainTable, type Route, routeKind } from "../../../netlink/route/route.ts";
import type { RouteStep } from "../../../step/address/route.ts";

const families = { 2: 4, 10: 6 } as const;

/** Leaves out routes to link-local addresses, which each interface has. */
export function containerRoutes(ifname: string, kernel: Kernel): RouteStep[] {
  const outIndex = kernel.indexOf("container", ifname);
  return Object.values(addressFamily).flatMap((family) =>
    listRoutes(kernel.route("container"), family, { table: mainTable, outIndex })
      .filter((route) => route.outIndex === outIndex && route.kind === routeKind.unicast)
      .map((route) => routeStep(route, ifname))
      .filter(({ dst }) => !dst.startsWith("fe80:")),
  );
}

function routeStep(route: Route, link: string): RouteStep {
  const { family, dstLength: prefixLength, destination, gateway, preferredSource, priority, metrics, scope } = route;
  const bits = addressBits(families[family as 2 | 10]);
  const text = (bytes: Uint8Array | undefined) => bytes && formatAddress(addressFromBytes(bytes));
  const [gw, src] = [text(gateway), text(preferredSource)];
  return {
    kind: "route",
    dst: formatCidr({ ...addressFromBytes(destination ?? new Uint8Array(bits / 8)), prefixLength }),
    gw,
    src,
    priority: priority || undefined,
    mtu: metrics?.mtu || undefined,
    advmss: metrics?.advmss || undefined,
    scope: family === addressFamily[4] ? scope : undefined,
    link,
  };
}
