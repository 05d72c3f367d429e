/** Parts of plans that the interface types share. Pure. */

import type { NetworkConfig } from "../conf/config/config.ts";
import { manyWays } from "../conf/config/routes.ts";
import type { Route } from "../conf/result/result.ts";
import { type Cidr, type Family, familyOf, formatCidr, networkOf, parseAddress, parseCidr } from "../ip/address.ts";
import type { Lease } from "../ipam/ipam.ts";
import { macOf, macOfOwner } from "../kernel/ownership.ts";
import type { Step } from "../step/index.ts";
import type { LeasedAddress } from "../store/entry.ts";
import type { PlanInput } from "./plan.ts";

/** The configured hardware address, else one derived from the first IP address, else from the owner. */
export function macFor({ config, lease }: PlanInput, owner: string): string {
  const [first] = lease.addresses;
  return config.mac ?? (first ? macOf(parseCidr(first.address)!) : macOfOwner(owner));
}

/** One chain per network masquerades packets that leave the subnets. No step without addresses. */
export function masqueradeSteps({ attachment, config, lease }: PlanInput): Step[] {
  if (!config.ipMasq && !config.ip6Masq) return [];
  const subnets: string[] = [];
  for (const { address } of lease.addresses) {
    if (!(familyOf(address) === 6 ? config.ip6Masq : config.ipMasq)) continue;
    const subnet = formatCidr(networkOf(parseCidr(address)!));
    if (!subnets.includes(subnet)) subnets.push(subnet);
  }
  return subnets.length === 0 ? [] : [{ kind: "masquerade", network: attachment.network, subnets }];
}

/** Ignores router advertisements: without IPv6 forwarding, the host would accept a container as its router. */
export function deafToRouters(link: string): Step {
  const path = `net/ipv6/conf/${link}/accept_ra`;
  return { kind: "sysctl", where: "host", path, value: "0", ifThere: true };
}

/** Turns on forwarding for each of the families. */
export function forwardingSteps(families: ReadonlySet<number>): Step[] {
  const steps: Step[] = [];
  if (families.has(4)) steps.push({ kind: "sysctl", where: "host", path: "net/ipv4/ip_forward", value: "1" });
  if (families.has(6)) {
    const path = "net/ipv6/conf/all/forwarding";
    steps.push({ kind: "sysctl", where: "host", path, value: "1", keepsRouters: true });
  }
  return steps;
}

interface ContainerLink {
  /** Names the attachment on the container's link, if there is no host's end to name it on. */
  readonly alias?: string | undefined;
  /** The link is on the network of its master, not on a bridge of ours: it keeps its link-local address. */
  readonly isOnNetwork?: true;
  /** The kernel adds no route to the subnet. */
  readonly noPrefixRoute?: true;
}

export function containerSteps(input: PlanInput, routes: readonly Route[], own: ContainerLink = {}): Step[] {
  const { attachment, config, lease } = input;
  const { alias, isOnNetwork, noPrefixRoute } = own;
  const link = attachment.ifname;
  if (config.disableContainerInterface) return [];
  // Bringing it up again costs less than asking whether it is up.
  const steps: Step[] = [{ kind: "up", where: "container", link: "lo" }];
  if (hasIpv6(lease)) {
    const set = (key: string): Step => {
      return { kind: "sysctl", where: "container", path: `net/ipv6/conf/${link}/${key}`, value: "0" };
    };
    steps.push(set("disable_ipv6"));
    // If new namespaces have IPv6 off, lo lacks ::1, too.
    steps.push({ kind: "sysctl", where: "container", path: "net/ipv6/conf/lo/disable_ipv6", value: "0" });
    // For its link-local address, and for addresses that it configures later.
    if (!config.enabledad) steps.push(set("accept_dad"));
  } else if (mayBeSilent(input)) {
    if (!isOnNetwork) steps.push({ kind: "noLinkLocal", where: "container", link });
  } else if (!config.enabledad) {
    const path = `net/ipv6/conf/${link}/accept_dad`;
    steps.push({ kind: "sysctl", where: "container", path, value: "0", ifThere: true });
  }
  const detectDuplicates = config.enabledad;
  for (const { address } of lease.addresses) {
    steps.push({ kind: "address", where: "container", link, address, detectDuplicates, replaces: [], noPrefixRoute });
  }
  steps.push({ kind: "up", where: "container", link, alias });
  for (let i = 0; i < routes.length; i++) {
    steps.push({ kind: "route", ...routes[i]!, link, isFurther: isBeside(routes, i) || undefined });
  }
  return steps;
}

/**
 * True if the container needs no link-local address: the network has only IPv4, and the bridge only ports of ours. With
 * other machines on the bridge, or without an address from us, it needs one for SLAAC, DHCPv6 and multicast names.
 */
function mayBeSilent({ config: { ipam }, lease, facts }: PlanInput): boolean {
  if (lease.addresses.length === 0 || (ipam.type === "delegate" && ipam.plugin === "dhcp")) return false;
  return facts.bridge?.isShared !== true;
}

/** True if the route differs from an earlier one only by its gateway, so that the kernel refuses it (EEXIST). */
function isBeside(routes: readonly Route[], index: number): boolean {
  const { dst, priority, table } = routes[index]!;
  for (let i = 0; i < index; i++) {
    const before = routes[i]!;
    if (before.dst === dst && before.priority === priority && before.table === table) return true;
  }
  return false;
}

function hasIpv6({ addresses }: Lease): boolean {
  for (const { address } of addresses) if (familyOf(address) === 6) return true;
  return false;
}

/** The gateways of the addresses, with the prefix lengths of their subnets, without duplicates. */
export function gatewaysOf(addresses: readonly LeasedAddress[]): Cidr[] {
  const gateways: Cidr[] = [];
  const seen: string[] = [];
  for (const { address, gateway } of addresses) {
    const found = gateway === undefined ? undefined : parseAddress(gateway);
    if (!found) continue;
    const cidr = { ...found, prefixLength: parseCidr(address)!.prefixLength };
    const text = formatCidr(cidr);
    if (!seen.includes(text)) gateways.push(cidr);
    seen.push(text);
  }
  return gateways;
}

const defaultRoutes = { 4: "0.0.0.0/0", 6: "::/0" } as const;

/** The lease's routes, with the gateway of their family if they name none. With isDefaultGateway, a default route for each family that lacks one. */
export function routesOf(config: NetworkConfig, lease: Lease): Route[] {
  const routes: Route[] = [];
  for (const route of lease.routes) {
    if (route.gws) throw manyWays(`gws of the route to ${route.dst} that ipam gives`, route.gws);
    const gw = route.gw ?? (route.scope === undefined ? gatewayOf(lease, familyOf(route.dst)) : undefined);
    routes.push(gw === undefined ? route : { ...route, gw });
  }
  if (!config.isDefaultGateway) return routes;
  for (const family of [4, 6] as const) {
    const dst = defaultRoutes[family];
    const gw = gatewayOf(lease, family);
    let isGiven = gw === undefined;
    for (const route of lease.routes) isGiven ||= route.dst === dst;
    if (!isGiven) routes.push({ dst, gw: gw! });
  }
  return routes;
}

/** The gateway of the first address of a family that has one. */
function gatewayOf({ addresses }: Lease, family: Family): string | undefined {
  for (const { address, gateway } of addresses) {
    if (gateway !== undefined && familyOf(address) === family) return gateway;
  }
  return undefined;
}
