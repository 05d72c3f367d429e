/** Routes of a configuration: canonical, and without the zeros that Go writes for "not set". */
import { formatAddress, formatCidr, networkOf, parseAddress, parseCidr } from "../../ip/address.ts";
import { badConfig, type Fault, unserved } from "../fault.ts";
import type { Dns, Route } from "../result/result.ts";
import type { runtimeDns } from "../schema/runtime.ts";
import type { Accepted } from "../schema/schema.ts";
import type { dns, route } from "../schema/shapes.ts";

type GivenRoute = Accepted<typeof route>;

/** Throws code 7. With `strict` an IPv4 destination must be a network and its gateway of the same family; results of others need not. */
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

/** Code 2. */
export function manyWays(path: string, gws: readonly string[]): Fault {
  return unserved(path, gws, "Name one gateway, as gw; two routes to the same dst are two ways, the last one first");
}

function destination(route: GivenRoute, path: string, strict: boolean): Pick<Route, "dst" | "gw"> {
  const dst = parseCidr(route.dst);
  if (dst === undefined) throw badConfig(`${path}.dst`, route.dst, "a network such as 10.2.0.0/16 or 0.0.0.0/0");
  const network = networkOf(dst);
  // The kernel refuses host bits for IPv4, but cannot say which route it was. For IPv6 it masks them.
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

/** What a runtime asks for in `runtimeConfig`, whose keys have other names. */
type AskedDns = Accepted<typeof runtimeDns>;

/** Undefined when nothing is set, because an empty `dns` means none. Key by key, what is asked goes before what is given. */
export function dnsOf(given: Accepted<typeof dns> | undefined, asked?: AskedDns): Dns | undefined {
  if (given === undefined && asked === undefined) return undefined;
  const { domain } = given ?? {};
  const nameservers = asked?.servers?.length ? asked.servers : given?.nameservers;
  const search = asked?.searches?.length ? asked.searches : given?.search;
  const options = asked?.options?.length ? asked.options : given?.options;
  // Only the keys that are set: ipam/pool.ts puts them over those of a resolv.conf.
  const result: Dns = {
    ...(nameservers?.length && { nameservers }),
    ...(domain && { domain }),
    ...(search?.length && { search }),
    ...(options?.length && { options }),
  };
  return Object.keys(result).length === 0 ? undefined : result;
}
