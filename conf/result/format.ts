/**
 * Formats results and errors for each version of the specification. The conversions are those of the Go library
 * (pkg/types/020, 040 and 100), which every runtime uses.
 */

import { type Family, familyOf } from "../../ip/address.ts";
import { dnsOf } from "../config/routes.ts";
import { code, Fault } from "../fault.ts";
import { isAtLeast, type Version } from "../version.ts";
import type { Result, ResultAddress, ResultInterface } from "./result.ts";

/** The error on standard output. `details` is absent without a cure. */
interface FormattedFault {
  readonly cniVersion: Version;
  readonly code: number;
  readonly msg: string;
  readonly details?: string | undefined;
}

export function formatFault(fault: Fault, version: Version): FormattedFault {
  return { cniVersion: version, code: fault.code, msg: fault.message, details: fault.cure() || undefined };
}

/**
 * A value for JSON.stringify, which leaves out undefined properties. Throws code 1 when `version` cannot express the
 * result: before 0.3.0 there had to be an address.
 */
export function formatResult(result: Result, version: Version): object {
  if (!isAtLeast(version, "0.3.0")) return formatOldResult(result, version);
  const { routes } = result;
  const interfaces: object[] = [];
  for (const one of result.interfaces) interfaces.push(formatInterface(one, version));
  const ips: object[] = [];
  for (const one of result.ips) ips.push(formatIp(one, version));
  const dns = dnsOf(result.dns);
  return {
    cniVersion: version,
    interfaces: interfaces.length > 0 ? interfaces : undefined,
    ips: ips.length > 0 ? ips : undefined,
    // Before 1.1.0 a route had only dst and gw. The Go library writes the other keys all the same, and its plugins use
    // them.
    routes: routes.length > 0 ? routes : undefined,
    dns,
  };
}

function formatInterface(one: ResultInterface, version: Version): ResultInterface {
  if (isAtLeast(version, "1.1.0")) return one;
  const { mtu, socketPath, pciID, ...rest } = one;
  return rest;
}

function formatIp(one: ResultAddress, version: Version): object {
  if (isAtLeast(version, "1.0.0")) return one;
  return { version: familyOf(one.address) === 6 ? "6" : "4", ...one };
}

/** 0.1.0 and 0.2.0: the first address of each family, with the routes of that family. */
function formatOldResult({ ips, routes, dns }: Result, version: Version): object {
  const half = (family: Family) => {
    const first = ips.find(({ address }) => familyOf(address) === family);
    if (first === undefined) return undefined;
    const own = routes.filter(({ dst }) => familyOf(dst) === family).map(({ dst, gw }) => ({ dst, gw }));
    return { ip: first.address, gateway: first.gateway, routes: own.length > 0 ? own : undefined };
  };
  const [ip4, ip6] = [half(4), half(6)];
  if (ip4 === undefined && ip6 === undefined) {
    throw new Fault(
      code.version,
      `Cannot write a result without addresses in version ${version}`,
      "set cniVersion to 0.3.0 or later",
    );
  }
  return { cniVersion: version, ip4, ip6, dns: dnsOf(dns) };
}
