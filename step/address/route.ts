/** A route of the container. It ends with its link. */

import type { Route as RouteWanted } from "../../conf/result/result.ts";
import {
  addressBits,
  type Cidr,
  familyOf,
  formatAddress,
  formatCidr,
  networkOf,
  parseAddress,
  parseCidr,
} from "../../ip/address.ts";
import { addressBytes, addressFromBytes } from "../../ip/bytes.ts";
import type { Kernel, Where } from "../../kernel/kernel.ts";
import { addressFamily } from "../../netlink/route/address.ts";
import {
  addRoute,
  addRouteBeside,
  deleteRoute,
  listRoutes,
  mainTable,
  type Route,
  type RouteRequest,
} from "../../netlink/route/route.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { isStep, type Kind, missing } from "../kind.ts";
import { ipWord, shellWord } from "../shellWords.ts";

export interface RouteStep extends RouteWanted {
  readonly kind: "route";
  readonly link: string;
  /** Absent: in the container. */
  readonly where?: Where;
  /** The source of packets that are sent without one. */
  readonly src?: string | undefined;
  /** The gateway is a neighbour on the link, though no address of the link says so. */
  readonly isOnLink?: true | undefined;
  /** The plan has an earlier route to the same destination. */
  readonly isFurther?: true | undefined;
}

/** The metric of an IPv6 route without one (IP6_RT_PRIO_USER). */
const ipv6PriorityDefault = 1024;

function destinationOf({ dst }: RouteWanted): Cidr {
  const cidr = parseCidr(dst)!;
  // A delegate may set host bits: the kernel masks them for IPv6, and refuses them for IPv4.
  return cidr.family === 6 ? networkOf(cidr) : cidr;
}

function textOf({ dst, gw, priority, table, link }: RouteStep): string {
  const via = gw ? ` via ${gw}` : "";
  return `${dst}${via} dev ${link}${priority ? ` metric ${priority}` : ""}${table ? ` table ${table}` : ""}`;
}

export function routeRequest(step: RouteStep, kernel: Kernel): RouteRequest {
  const destination = destinationOf(step);
  const bytesOf = (text: string | undefined) => (text === undefined ? undefined : addressBytes(parseAddress(text)!));
  return {
    text: textOf(step),
    destination: addressBytes(destination),
    dstLength: destination.prefixLength,
    outIndex: kernel.indexOf(step.where ?? "container", step.link),
    gateway: bytesOf(step.gw),
    mtu: step.mtu,
    advmss: step.advmss,
    priority: step.priority,
    table: step.table,
    scope: step.scope,
    preferredSource: bytesOf(step.src),
    isOnLink: step.isOnLink,
  };
}

export const route: Kind<RouteStep> = {
  apply(step, kernel) {
    const where = step.where ?? "container";
    const request = routeRequest(step, kernel);
    if (tolerating(() => kernel.request(where, addRoute(request)), errno.EEXIST)) return false;
    // The kernel added the same route with the address, or the configuration names it twice. Otherwise the existing one
    // leads by another gateway or interface, and the container gets a second route, as with the reference.
    if (!routesTo(step, request.outIndex, kernel).some((found) => isAsWanted(found, step)))
      tolerating(() => kernel.request(where, addRouteBeside(request)), errno.EEXIST);
    return false;
  },

  /** A route in the container ends with its link. */
  undo(step, kernel) {
    if (step.where !== "host" || !kernel.link("host", step.link)) return;
    tolerating(() => kernel.request("host", deleteRoute(routeRequest(step, kernel))), errno.ESRCH);
  },

  check(step, kernel) {
    const where = step.where ?? "container";
    if (!kernel.link(where, step.link)) return missing(`link ${step.link}`);
    const destination = destinationOf(step);
    const candidates = routesTo(step, kernel.indexOf(where, step.link), kernel);
    if (candidates.some((found) => isAsWanted(found, step))) return [];
    const shown = candidates.map((found) => `via ${gatewayText(found) ?? "the link"}`).join(", ");
    return [{ what: `route ${formatCidr(destination)}`, expected: textOf(step), found: shown || "none" }];
  },

  given: ({ dst, gw, table, mtu }) => ({ route: { dst, gw, table, mtu } }),

  asInResult: (step, { routes }) =>
    step.where === "host" || routes.some(({ dst, gw }) => dst === step.dst && gw === step.gw) ? step : undefined,

  reason: ({ dst, where }) => {
    if (where === "host") return "The host finds the container by this route.";
    return /\/0$/.test(dst) ? "All other networks are behind the gateway." : "The way to a further network.";
  },

  // As in `apply`, a further route goes before the existing one.
  print: (step, { kernel, netns, earlier = [] }) => {
    const isBeside =
      step.isFurther ||
      earlier.some((one) => isStep<RouteStep>("route", one) && isToSame(one, step)) ||
      (kernel && routesTo(step, undefined, kernel).length > 0);
    return [routeCommand(isBeside ? "prepend" : "add", step, netns)];
  },
};

/** True if the kernel compares the two: `ip route add` refuses the second one. */
function isToSame(one: RouteStep, other: RouteStep): boolean {
  const [a, b] = [one, other].map(destinationOf) as [Cidr, Cidr];
  const isSamePlace = one.where === other.where && (one.table ?? mainTable) === (other.table ?? mainTable);
  return isSamePlace && formatCidr(a) === formatCidr(b);
}

/** The existing routes to the step's destination, by the link or by any. */
function routesTo(step: RouteStep, outIndex: number | undefined, kernel: Kernel): Route[] {
  const { family, prefixLength, value } = destinationOf(step);
  const { table = mainTable } = step;
  // The kernel refuses to list a table that does not exist yet (ENOENT).
  const filter = outIndex === undefined ? {} : { table, outIndex };
  return listRoutes(kernel.route(step.where ?? "container"), addressFamily[family], filter).filter((found) => {
    const bytes = found.destination ?? new Uint8Array(addressBits(family) / 8);
    const isBy = found.table === table && (outIndex === undefined || found.outIndex === outIndex);
    return isBy && found.dstLength === prefixLength && addressFromBytes(bytes).value === value;
  });
}

/** `ip -n web route add 10.2.0.0/16 via 10.1.0.1 dev eth0` */
export function routeCommand(verb: "add" | "prepend" | "del", step: RouteStep, netns: string): string {
  const more = [
    verb !== "del" && " proto static",
    step.mtu && ` mtu ${step.mtu}`,
    step.advmss && ` advmss ${step.advmss}`,
    step.scope && ` scope ${step.scope}`,
    step.src && ` src ${step.src}`,
    step.isOnLink && " onlink",
  ];
  return `${ipWord(step.where ?? "container", netns, familyOf(step.dst))} route ${verb} ${textOf({ ...step, link: shellWord(step.link) })}${more.filter(Boolean).join("")}`;
}

function gatewayText(found: Route): string | undefined {
  return found.gateway && formatAddress(addressFromBytes(found.gateway));
}

function isAsWanted(found: Route, { gw, mtu, advmss, priority }: RouteStep): boolean {
  const isIpv6 = found.family === 10;
  return (
    gatewayText(found) === (gw && formatAddress(parseAddress(gw)!)) &&
    (mtu === undefined || found.metrics?.mtu === mtu) &&
    (advmss === undefined || found.metrics?.advmss === advmss) &&
    (priority === undefined || (found.priority ?? 0) === (isIpv6 && priority === 0 ? ipv6PriorityDefault : priority))
  );
}
