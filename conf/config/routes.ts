/** Routes and DNS of a configuration: canonical, and without the zeros that Go programs write for "not set". */
import { formatAddress, formatCidr, networkOf, parseAddress, parseCidr } from "../../ip/address.ts";
import { badConfig, type Fault, unserved } from "../fault.ts";
import type { Dns, Route } from "../result/result.ts";
import type { runtimeDns } from "../schema/runtime.ts";
import type { Accepted } from "../schema/schema.ts";
import type { dns, route } from "../schema/shapes.ts";

type GivenRoute = Accepted<typeof route>;

/**
 * Throws code 7. With `strict`, an IPv4 destination must be a network, and its gateway of the same family. Results of
 * other plugins may differ.
 */
export function routesOf(
  given: readonly GivenRoute[] | undefined,
  path: string,
  { strict }: { strict: boolean },
): readonly Route[] {
  const routes: Route[] = [];
  if (!given) return routes;
  for (let i = 0; i < given.length; i++) {
    const { gws, mtu, advmss, priority, table, scope } = given[i]!;
    if (strict && gws?.length) throw manyWays(`${path}[${i}].gws`, gws);
    routes.push({
      ...destination(given[i]!, `${path}[${i}]`, strict),
      gws: gws?.length ? gws : undefined,
      mtu: mtu || undefined,
      advmss: advmss || undefined,
      priority: priority || undefined,
      table,
      scope,
    });
  }
  return routes;
}

/** Code 2: several next hops in one route. */
export function manyWays(path: string, gws: readonly string[]): Fault {
  return unserved(path, gws, "Name one gateway, as gw; two routes to the same dst are two ways, the last one first");
}

function destination(route: GivenRoute, path: string, strict: boolean): Pick<Route, "dst" | "gw"> {
  const dst = parseCidr(route.dst);
  if (dst === undefined) throw badConfig(`${path}.dst`, route.dst, "a network such as 10.2.0.0/16 or 0.0.0.0/0");
  const network = networkOf(dst);
  // The kernel refuses host bits in IPv4 destinations without naming the route. In IPv6 ones it clears them.
  if (strict && dst.family === 4 && network.value !== dst.value) {
    throw badConfig(`${path}.dst`, route.dst, `a network's first address: ${formatCidr(network)}, without host bits`);
  }
  const text = formatCidr(strict ? network : dst);
  if (route.gw === undefined || route.gw === "") return { dst: text };
  const gw = parseAddress(route.gw);
  if (gw === undefined) throw badConfig(`${path}.gw`, route.gw, "an address");
  if (strict && gw.family !== dst.family)
    throw badConfig(`${path}.gw`, route.gw, `an IPv${dst.family} address, as dst is`);
  return { dst: text, gw: formatAddress(gw) };
}

/** `runtimeConfig.dns`, which has other names for the same keys. */
type AskedDns = Accepted<typeof runtimeDns>;

/** The keys of `dns`, where those of the runtime go before the network's one by one. Undefined if none is set. */
export function dnsOf(given: Accepted<typeof dns> | undefined, asked?: AskedDns): Dns | undefined {
  if (given === undefined && asked === undefined) return undefined;
  const { domain } = given ?? {};
  const nameservers = asked?.servers?.length ? asked.servers : given?.nameservers;
  const search = asked?.searches?.length ? asked.searches : given?.search;
  const options = asked?.options?.length ? asked.options : given?.options;
  // Only keys that are set: ipam/pool.ts merges them over those of a resolv.conf.
  const result: Dns = {
    ...(nameservers?.length && { nameservers }),
    ...(domain && { domain }),
    ...(search?.length && { search }),
    ...(options?.length && { options }),
  };
  return Object.keys(result).length === 0 ? undefined : result;
}
