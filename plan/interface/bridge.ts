/** `ns-net` and `bridge`: a veth whose host's end is a port of a bridge. With isGateway the bridge is the gateway. */

import type { IpamConfig, NetworkConfig } from "../../conf/config/config.ts";
import { code, Fault } from "../../conf/fault.ts";
import { ownType } from "../../conf/pluginType.ts";
import { type Cidr, formatAddress, formatCidr, isLinkLocal, networkOf, overlaps, parseCidr } from "../../ip/address.ts";
import type { Lease } from "../../ipam/ipam.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { aliasOf, bridgeGroup, isOurGroup, linkGroup, macOf, macOfOwner } from "../../kernel/ownership.ts";
import type { Step } from "../../step/index.ts";
import {
  containerSteps,
  deafToRouters,
  forwardingSteps,
  gatewaysOf,
  macFor,
  masqueradeSteps,
  routesOf,
} from "../container.ts";
import type { Facts } from "../facts.ts";
import defer * as idleGateway from "../idleGateway.ts";
import type { InterfacePlan, InterfaceType, PlanInput } from "../plan.ts";
import type { VlanParts } from "../vlan.ts";
import defer * as vlan from "../vlan.ts";

export const bridge: InterfaceType = { plan, refuse };

/** Type `bridge` only reports a gateway without isGateway, as the reference does; type ns-net refuses it. */
function refuse(config: NetworkConfig): void {
  if (config.isGateway || config.type !== ownType) return;
  const gateways = writtenGateways(config.ipam);
  if (gateways.length > 0) idleGateway.refuseIdleGateway(gateways, config);
}

function writtenGateways(ipam: IpamConfig): string[] {
  const gateways: string[] = [];
  if (ipam.type === "static") for (const { gateway } of ipam.addresses) if (gateway) gateways.push(gateway);
  if ("rangeSets" in ipam)
    for (const set of ipam.rangeSets) for (const { gateway } of set) if (gateway) gateways.push(gateway);
  return gateways;
}

function plan(input: PlanInput): InterfacePlan {
  const { attachment, config, lease, facts, netns } = input;
  const mtu = facts.interfaceMtu;
  const host = hostLinkName(attachment);
  const mac = macFor(input, host);
  const hostMac = macOfOwner("host", host);
  const routes = routesOf(config, lease);
  const parts = bridgeParts(input);
  const joins: Step = {
    ...{ kind: "veth", host, hostMac, ifname: attachment.ifname, mac, mtu },
    ...{ bridge: config.bridge, group: linkGroup(attachment.network) },
  };
  const steps: Step[] = [
    ...parts.steps,
    ...masqueradeSteps(input),
    ...(config.macspoofchk ? [{ kind: "macSpoofCheck", attachment, mac } as const] : []),
    ...portSteps(input, parts, { link: host, joins, alias: aliasOf(attachment, config.dataDir) }),
    ...containerSteps(input, routes),
  ];
  if (!config.disableContainerInterface) steps.push({ kind: "awaitForwarding", link: host });
  const interfaces = [
    { name: config.bridge, mac: parts.mac },
    { name: host, mac: hostMac, mtu },
    { name: attachment.ifname, mac, mtu, sandbox: netns },
    ...(parts.vlans?.gatewayInterface ?? []),
  ];
  return { steps, mac, interfaces, routes, through: parts.gatewayLink };
}

/** The bridge and its gateways. */
export interface BridgeParts {
  readonly steps: readonly Step[];
  /** Hardware address of the bridge. */
  readonly mac: string;
  readonly gatewayLink: string;
  readonly vlans: VlanParts | undefined;
}

/** `isRouted` is false if another plugin adds the host's routes to the container. */
export function bridgeParts(input: PlanInput, isRouted = true): BridgeParts {
  const { config, lease, facts } = input;
  const gateways = config.isGateway ? gatewaysOf(lease.addresses) : [];
  const gatewayLink = facts.vlan?.gatewayLink ?? config.bridge;
  const mac =
    macOfBridge(facts) ?? (gateways[0] && !facts.vlan ? macOf(gateways[0]) : macOfOwner("bridge", config.bridge));
  const vlans = facts.vlan && vlan.vlanParts(input, facts.vlan);
  const steps = bridgeSteps(input, mac, gateways, gatewayLink, vlans, isRouted);
  return { steps, mac, gatewayLink, vlans };
}

export interface Port {
  /** Interface of the host. */
  readonly link: string;
  /** Makes it a port of the bridge. */
  readonly joins: Step;
  /** Names the attachment; absent if another plugin made the interface. */
  readonly alias?: string | undefined;
}

export function portSteps({ config, facts }: PlanInput, { vlans }: BridgeParts, port: Port): Step[] {
  const { hairpinMode, portIsolation, features } = config;
  const { link, joins, alias } = port;
  const isolated = portIsolation || features?.ingressPolicy === "isolated";
  const isOurs = alias !== undefined;
  return [
    joins,
    ...(vlans ? [vlans.port(link)] : []),
    ...(facts.bridge?.letsLoopbackThrough && facts.bridge.mayFilter ? [{ kind: "closedLoopback", link } as const] : []),
    ...(isOurs ? [{ kind: "noLinkLocal", where: "host", link } as const] : []),
    { kind: "bridgePort", link, hairpin: hairpinMode, isolated },
    { kind: "up", where: "host", link, alias },
  ];
}

function bridgeSteps(
  { config, facts, lease }: PlanInput,
  mac: string,
  gateways: readonly Cidr[],
  gatewayLink: string,
  vlans: VlanParts | undefined,
  isRouted: boolean,
): Step[] {
  const mtu = facts.interfaceMtu;
  const families = new Set<number>();
  for (const { family } of gateways) families.add(family);
  const { bridge: name, promiscMode: promiscuous } = config;
  const steps = forwardingSteps(families);
  const keepsMac = gateways.length > 0 && facts.bridge !== undefined && !isOurGroup(facts.bridge.group);
  const group = bridgeGroup(config.name);
  steps.push({
    ...{ kind: "bridge", name, mac, mtu, group, promiscuous },
    keepsMac: keepsMac || undefined,
    filtersFor: vlans?.filtersFor,
  });
  if (vlans) steps.push(...vlans.gateway);
  if (facts.bridge?.acceptsRa !== false) steps.push(deafToRouters(name));
  if (gatewayLink !== name) steps.push(deafToRouters(gatewayLink));
  if (families.has(6) && !hasIpv6(facts)) {
    for (const [key, value] of bridgeIpv6(config)) {
      steps.push({ kind: "sysctl", where: "host", path: `net/ipv6/conf/${gatewayLink}/${key}`, value });
    }
  }
  for (const gateway of gateways) {
    const address = formatCidr(gateway);
    const replaces = replacedBy(gateway, gateways, config, facts);
    steps.push({
      kind: "address",
      where: "host",
      link: gatewayLink,
      address,
      detectDuplicates: false,
      replaces,
    });
    if (isRouted && isLinkLocal(gateway)) steps.push(...subnetRoutes(lease, formatAddress(gateway), gatewayLink));
  }
  return steps;
}

/** With a link-local gateway the kernel adds no route to the subnet, so the host needs one to reach the containers. */
function subnetRoutes({ addresses }: Lease, gateway: string, link: string): Step[] {
  return addresses
    .filter((one) => one.gateway === gateway)
    .map(({ address }) => {
      const dst = formatCidr(networkOf(parseCidr(address)!));
      return { kind: "route", where: "host", dst, link };
    });
}

/** The existing bridge's hardware address. A bridge without its own one had a port's, and has none since the last port left. */
function macOfBridge({ bridge: found }: Facts): string | undefined {
  return found?.mac === noMac ? undefined : found?.mac;
}

const noMac = "00:00:00:00:00:00";

function hasIpv6({ bridge: found }: Facts): boolean {
  for (const { family } of found?.addresses ?? []) if (family === 6) return true;
  return false;
}

/**
 * Settings for a bridge's first IPv6 address. The machine may switch IPv6 off for new links. And while the bridge's
 * link-local address is tentative, the kernel sends no neighbour solicitation for forwarded packets: those from outside
 * would be lost for the first second or two.
 */
function bridgeIpv6({ enabledad }: NetworkConfig): [key: string, value: string][] {
  return [["disable_ipv6", "0"], ...(enabledad ? [] : [["accept_dad", "0"] as [string, string]])];
}

/** True for an IPv4 address to remove: with forceAddress a bridge has only the gateways', as with the reference. */
function isForced({ family, value }: Cidr, { forceAddress }: NetworkConfig, gateways: readonly Cidr[]): boolean {
  if (!forceAddress || family !== 4) return false;
  for (const one of gateways) if (one.family === family && one.value === value) return false;
  return true;
}

/** Other addresses of the bridge in the gateway's subnet: with forceAddress they are replaced, else Fault. */
function replacedBy(gateway: Cidr, all: readonly Cidr[], config: NetworkConfig, facts: Facts): string[] {
  const wanted = formatCidr(gateway);
  const others: string[] = [];
  for (const other of facts.bridge?.addresses ?? []) {
    const text = formatCidr(other);
    if (text !== wanted && (overlaps(other, gateway) || isForced(other, config, all))) others.push(text);
  }
  if (others.length === 0 || config.forceAddress) return others;
  throw new Fault(
    code.config,
    `Cannot give bridge ${config.bridge} the gateway address ${wanted}: it has ${others.join(", ")} in the same subnet`,
    `Set forceAddress to replace it, choose another bridge or subnet, or remove it with: ip address del ${others[0]} dev ${config.bridge}`,
  );
}
