/** Reads results of other programs: `prevResult`, and the output of a delegate. */
import { formatAddress, formatCidr, parseAddress, parseCidr } from "../../ip/address.ts";
import { dnsOf, routesOf } from "../config/routes.ts";
import { isObject, type JsonObject } from "../decode.ts";
import { badConfig, code, Fault, shown } from "../fault.ts";
import type { result } from "../schema/result.ts";
import type { Accepted } from "../schema/schema.ts";
import { validated } from "../schema/validate.ts";
import { isAtLeast, isVersion, type Version, versions } from "../version.ts";
import type { Dns, Result, ResultAddress, ResultInterface, Route } from "./result.ts";

/**
 * Reads a result of any version. `version` is the configuration's, for results that have none; `path` is where the
 * result is. Throws code 1 for an unknown version, and code 7 that names the key.
 */
export function readResult(json: unknown, version: Version, path = "prevResult"): Result {
  if (!isObject(json)) throw badConfig(path, json, "an object");
  return isAtLeast(resultVersion(json, version, path), "0.3.0") ? readNewResult(json, path) : readOldResult(json, path);
}

function resultVersion(json: JsonObject, version: Version, path: string): Version {
  let own: unknown;
  for (const key in json) if (key.toLowerCase() === "cniversion") own ??= json[key];
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
  const interfaces: ResultInterface[] = [];
  for (const one of given.interfaces ?? []) interfaces.push(readInterface(one));
  const ips: ResultAddress[] = [];
  for (const ip of given.ips ?? []) ips.push(readIp(ip, `${path}.ips[${ips.length}]`));
  return assembled(interfaces, ips, routesOf(given.routes, `${path}.routes`, { strict: false }), dnsOf(given.dns));
}

function readOldResult(json: JsonObject, path: string): Result {
  const given = validated("oldResult", json, path);
  const halves = (["ip4", "ip6"] as const).flatMap((key) => (given[key] ? [{ key, half: given[key] }] : []));
  const ips = halves.map(({ key, half: { ip, gateway } }) => {
    return readIp({ address: ip, gateway }, `${path}.${key}`, "ip");
  });
  const routes = halves.flatMap(({ key, half }) => routesOf(half.routes, `${path}.${key}.routes`, { strict: false }));
  return assembled([], ips, routes, dnsOf(given.dns));
}

type GivenInterface = NonNullable<Accepted<typeof result>["interfaces"]>[number];

function readInterface({ name, mac, mtu, sandbox, socketPath, pciID }: GivenInterface): ResultInterface {
  return {
    name,
    mac: mac || undefined,
    mtu: mtu || undefined,
    sandbox: sandbox || undefined,
    socketPath: socketPath || undefined,
    pciID: pciID || undefined,
  };
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
    gateway: gateway && formatAddress(gateway),
    // Some plugins write -1 for "no interface".
    interface: given.interface !== undefined && given.interface >= 0 ? given.interface : undefined,
  };
}

function assembled(
  interfaces: readonly ResultInterface[],
  ips: readonly ResultAddress[],
  routes: readonly Route[],
  dns: Dns | undefined,
): Result {
  return { interfaces, ips, routes, dns };
}
