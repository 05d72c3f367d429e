/** The routes of pods: gateways that are no neighbours, and destinations that are given twice. */
import { type Cidr, contains, formatCidr, networkOf } from "../../ip/address.ts";
import type { LabFile, PodEntry, PodRoute } from "../file/labFile.ts";
import { type Mistake, positionOf, type Source } from "../file/mistakes.ts";

/** A gateway must be a neighbour: `addresses` are those of the pod, with the subnets around them. */
export function refuseGateways(
  { name, networks, routes }: PodEntry,
  addresses: readonly Cidr[],
  file: LabFile,
  mistakes: Mistake[],
): void {
  const hasSubnet = (network: string) =>
    file.networks.some((one) => one.name.value === network && one.subnets.length > 0);
  // The gateway may be on a network that is misspelled, which is reported already.
  if (!networks.every(({ network }) => hasSubnet(network.value))) return;
  for (const { gateway } of routes) {
    if (!addresses.some((own) => contains(own, gateway.value)))
      mistakes.push({
        at: gateway.at,
        message: `the gateway is on no network or link of ${name.value}`,
        suggestion: `${name.value} has ${addresses.map(formatCidr).join(", ") || "no address"}`,
      });
  }
}

/** YAML itself refuses a key twice, but `default`, `0.0.0.0/0` and `00::/0` are different keys. */
export function refuseRoutesTwice(pods: readonly PodEntry[], { text }: Source, mistakes: Mistake[]): void {
  for (const { name, routes } of pods) {
    const seen = new Map<string, PodRoute>();
    for (const route of routes) {
      const key = destinationOf(route);
      const first = seen.get(key);
      if (first)
        mistakes.push({
          at: route.at,
          message: `${name.value} has this route already: ${text.slice(...first.at)} in line ${positionOf(text, first.at[0]).line}`,
          suggestion: "remove one of the two",
        });
      else seen.set(key, route);
    }
  }
}

/** One text for each destination. A default route has the family of its gateway. */
const destinationOf = ({ destination, gateway }: PodRoute) =>
  destination === "default" ? `default ${gateway.value.family}` : formatCidr(networkOf(destination));
