/** A route that is removed from the container's main table because another table has it. Undo restores it. */

import { formatAddress, formatCidr, networkOf, parseAddress, parseCidr } from "../../ip/address.ts";
import { deleteRoute } from "../../netlink/route/route.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { isStep, type Kind } from "../kind.ts";
import type { AddressStep } from "./address.ts";
import { type RouteStep, route, routeCommand, routeRequest } from "./route.ts";

export interface RemovedRouteStep extends Omit<RouteStep, "kind"> {
  readonly kind: "removedRoute";
}

const asRoute = (step: RemovedRouteStep): RouteStep => ({ ...step, kind: "route" });

export const removedRoute: Kind<RemovedRouteStep> = {
  apply(step, kernel) {
    const message = deleteRoute(routeRequest(asRoute(step), kernel));
    return tolerating(() => kernel.request("container", message), errno.ESRCH) !== undefined;
  },

  undo(step, kernel) {
    if (!kernel.netns || !kernel.link("container", step.link)) return;
    // By now the interface is down, or lacks the address that the route needs.
    const { ENETDOWN, ENETUNREACH, EHOSTUNREACH, EINVAL, ENODEV } = errno;
    tolerating(() => route.apply!(asRoute(step), kernel), ENETDOWN, ENETUNREACH, EHOSTUNREACH, EINVAL, ENODEV);
  },

  /** Other programs may add it again; packets from our source do not use the main table. */
  check: () => [],

  // sbr and vrf move routes to another table.
  supersede(step, earlier) {
    if (isStep<AddressStep>("address", earlier) && isSubnetOf(earlier, step))
      return { ...earlier, subnetElsewhere: true };
    return isStep<RouteStep>("route", earlier) && isSameRoute(earlier, step) ? undefined : earlier;
  },

  reason: () => "Another routing table has this route now.",

  print: (step, { netns }) => [routeCommand("del", asRoute(step), netns)],
};

interface To {
  readonly link: string;
  readonly dst: string;
  readonly gw?: string | undefined;
}

function isSubnetOf({ link, address }: AddressStep, to: To): boolean {
  return isSameRoute({ link, dst: formatCidr(networkOf(parseCidr(address)!)) }, to);
}

function isSameRoute(a: To, b: To): boolean {
  return a.link === b.link && textOf(a) === textOf(b);
}

function textOf({ dst, gw }: To): string {
  return `${formatCidr(parseCidr(dst)!)} ${gw === undefined ? "" : formatAddress(parseAddress(gw)!)}`;
}
