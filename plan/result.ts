/** The result of a plugin that makes an interface. */
import type { NetworkConfig } from "../conf/config/config.ts";
import type { Result, ResultAddress } from "../conf/result/result.ts";
import type { Lease } from "../ipam/ipam.ts";
import defer * as joinedResult from "./joinedResult.ts";
import { type InterfacePlan, innerIndex } from "./plan.ts";

/** The addresses belong to the container's interface. */
export function resultOf(config: NetworkConfig, { interfaces, routes }: InterfacePlan, lease: Lease): Result {
  const ips: ResultAddress[] = [];
  const inner = innerIndex(interfaces);
  for (const leased of lease.addresses) ips.push({ ...leased, interface: inner });
  const own = { interfaces, ips, routes, dns: config.dns ?? lease.dns };
  // An ipvlan takes over the addresses of the plugin before it.
  if (config.prevResult === undefined || config.type === "ipvlan") return own;
  return joinedResult.joinedResult(config.prevResult, own);
}
