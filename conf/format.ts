/**
 * Results as each version of the specification writes them, and errors. The conversions are those of the Go library
 * (pkg/types/020, 040 and 100), which every runtime uses.
 */
import { formatAddress, formatCidr, parseAddress, parseCidr } from "./address.ts";
import { isObject, type JsonObject } from "./decode.ts";
import { badConfig, code, Fault, shown } from "./fault.ts";
import type { Dns, Route } from "./network.ts";
import type { Result, ResultAddress, ResultInterface } from "./result.ts";
import { dnsOf, routesOf } from "./routes.ts";
import type { result } from "./schema/result.ts";
import type { Accepted } from "./schema/schema.ts";
import { validated } from "./validate.ts";
import { isAtLeast, isVersion, type Version, versions } from "./version.ts";

/** What goes to standard output when a verb fails. `details` is left out when there is no cure. */
export interface FormattedFault {
  readonly cniVersion: Version;
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

export function formatFault({ code: faultCode, message, cure }: Fault, version: Version): FormattedFault {
  return { cniVersion: version, code: faultCode, msg: message, ...(cure !== "" && { details: cure }) };
}

/** Throws code 1 when `version` cannot express the result: before 0.3.0 there had to be an address. */
export function formatResult(result: Result, version: Version): object {
  if (!isAtLeast(version, "0.3.0")) return formatOldResult(result, version);
  const { interfaces, ips, routes, dns } = result;
  return {
    cniVersion: version,
    ...(interfaces.length > 0 && { interfaces: interfaces.map((one) => formatInterface(one, version)) }),
    ...(ips.length > 0 && { ips: ips.map((one) => formatIp(one, version)) }),
    // Before 1.1.0 a route had only dst and gw; the Go library writes the other keys all the same, and its plugins heed them.
    ...(routes.length > 0 && { routes }),
    ...(dnsOf(dns) && { dns }),
  };
}

function formatInterface(one: ResultInterface, version: Version): ResultInterface {
  if (isAtLeast(version, "1.1.0")) return one;
  const { mtu, socketPath, pciID, ...rest } = one;
  return rest;
}

function formatIp(one: ResultAddress, version: Version): object {
  if (isAtLeast(version, "1.0.0")) return one;
  return { version: isIpv6(one.address) ? "6" : "4", ...one };
}

/** 0.1.0 and 0.2.0: the first address of each family, with the routes of that family. */
function formatOldResult({ ips, routes, dns }: Result, version: Version): object {
  const half = (ipv6: boolean) => {
    const first = ips.find(({ address }) => isIpv6(address) === ipv6);
    if (first === undefined) return undefined;
    const own = routes.filter(({ dst }) => isIpv6(dst) === ipv6).map(({ dst, gw }) => ({ dst, ...(gw && { gw }) }));
    return {
      ip: first.address,
      ...(first.gateway && { gateway: first.gateway }),
      ...(own.length > 0 && { routes: own }),
    };
  };
  const [ip4, ip6] = [half(false), half(true)];
  if (ip4 === undefined && ip6 === undefined) {
    throw new Fault(
      code.version,
      `Cannot write a result without addresses in version ${version}`,
      "set cniVersion to 0.3.0 or later",
    );
  }
  return { cniVersion: version, ...(ip4 && { ip4 }), ...(ip6 && { ip6 }), ...(dnsOf(dns) && { dns }) };
}

/**
 * A result of any version: `prevResult`, or what a delegate wrote. `version` is the configuration's, for results that do
 * not say theirs. Throws code 1 for a version that nobody knows and code 7 naming the key; `path` is where it stood.
 */
export function readResult(json: unknown, version: Version, path = "prevResult"): Result {
  if (!isObject(json)) throw badConfig(path, json, "an object");
  return isAtLeast(resultVersion(json, version, path), "0.3.0") ? readNewResult(json, path) : readOldResult(json, path);
}

function resultVersion(json: JsonObject, version: Version, path: string): Version {
  const own = Object.entries(json).find(([key]) => key.toLowerCase() === "cniversion")?.[1];
  if (own === undefined || own === null || own === "") return version;
  if (isVersion(own)) return own;
  throw new Fault(
    code.version,
    `Cannot use ${path}.cniVersion = ${shown(own)}`,
    `it must be one of ${versions.join(", ")}`,
  );
}

function readNewResult(json: JsonObject, path: string): Result {
  const given = validated("result", json, path);
  const interfaces = (given.interfaces ?? []).map(
    ({ name, mac, mtu, sandbox, socketPath, pciID }): ResultInterface => ({
      name,
      ...(mac && { mac }),
      ...(mtu && { mtu }),
      ...(sandbox && { sandbox }),
      ...(socketPath && { socketPath }),
      ...(pciID && { pciID }),
    }),
  );
  const ips = (given.ips ?? []).map((ip, i) => readIp(ip, `${path}.ips[${i}]`));
  return assembled(interfaces, ips, routesOf(given.routes, `${path}.routes`, { strict: false }), dnsOf(given.dns));
}

function readOldResult(json: JsonObject, path: string): Result {
  const given = validated("oldResult", json, path);
  const halves = (["ip4", "ip6"] as const).flatMap((key) => (given[key] ? [{ key, half: given[key] }] : []));
  const ips = halves.map(({ key, half: { ip, gateway } }) => {
    const address = { address: ip, ...(gateway && { gateway }) };
    return readIp(address, `${path}.${key}`, "ip");
  });
  const routes = halves.flatMap(({ key, half }) => routesOf(half.routes, `${path}.${key}.routes`, { strict: false }));
  return assembled([], ips, routes, dnsOf(given.dns));
}

type GivenIp = NonNullable<Accepted<typeof result>["ips"]>[number];

function readIp(given: GivenIp, path: string, addressKey = "address"): ResultAddress {
  const address = parseCidr(given.address);
  if (address === undefined) {
    throw badConfig(`${path}.${addressKey}`, given.address, "an address with prefix length such as 10.1.0.7/24");
  }
  const gateway = given.gateway ? parseAddress(given.gateway) : undefined;
  if (given.gateway && gateway === undefined) throw badConfig(`${path}.gateway`, given.gateway, "an address");
  return {
    address: formatCidr(address),
    ...(gateway && { gateway: formatAddress(gateway) }),
    // Some plugins write -1 for "no interface".
    ...(given.interface !== undefined && given.interface >= 0 && { interface: given.interface }),
  };
}

function assembled(
  interfaces: readonly ResultInterface[],
  ips: readonly ResultAddress[],
  routes: readonly Route[],
  dns: Dns | undefined,
): Result {
  return { interfaces, ips, routes, ...(dns && { dns }) };
}

function isIpv6(text: string): boolean {
  return text.includes(":");
}
