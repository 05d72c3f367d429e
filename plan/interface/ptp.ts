/** `ptp`: a veth without a bridge. The host's end is the gateway for every packet of the container. */

import { code, Fault } from "../../conf/fault.ts";
import type { Route } from "../../conf/result/result.ts";
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
import { hostLinkName } from "../../kernel/linkNames.ts";
import { aliasOf, linkGroup, macOfOwner } from "../../kernel/ownership.ts";
import { routeScope } from "../../netlink/route/route.ts";
import type { RouteStep } from "../../step/address/route.ts";
import type { Step } from "../../step/index.ts";
import type { LeasedAddress } from "../../store/entry.ts";
import { containerSteps, deafToRouters, forwardingSteps, macFor, masqueradeSteps, routesOf } from "../container.ts";
import type { InterfacePlan, InterfaceType, PlanInput } from "../plan.ts";

export const ptp: InterfaceType = { plan };

/** An address of the container, and the gateway's on the host's end. */
interface Pair {
  readonly own: Cidr;
  readonly gateway: string;
}

function plan(input: PlanInput): InterfacePlan {
  const { attachment, config, lease, facts, netns } = input;
  const mtu = facts.interfaceMtu;
  const host = hostLinkName(attachment);
  const mac = macFor(input, host);
  const hostMac = macOfOwner("host", host);
  const pairs = lease.addresses.map(pairOf);
  const routes = routesOf(config, lease);
  const steps: Step[] = [
    ...forwardingSteps(new Set(pairs.map(({ own }) => own.family))),
    ...masqueradeSteps(input),
    { kind: "veth", host, hostMac, ifname: attachment.ifname, mac, mtu, group: linkGroup(attachment.network) },
    ...hostSteps(host, pairs, aliasOf(attachment, config.dataDir)),
    // Other addresses of the subnet are reached through the gateway, too.
    ...containerSteps(input, [], { noPrefixRoute: true }),
    ...pairs.flatMap(({ own, gateway }) => {
      // The kernel refuses a tentative address as source.
      const src = own.family === 6 && config.enabledad ? {} : { src: formatAddress(own) };
      return [
        routeStep(attachment.ifname, { dst: alone(gateway), ...src, ...onLink(gateway) }),
        routeStep(attachment.ifname, { dst: formatCidr(networkOf(own)), gw: gateway, ...src }),
      ];
    }),
    ...routes.map((route) => routeStep(attachment.ifname, byHost(route, pairs))),
  ];
  const interfaces = [
    { name: host, mac: hostMac, mtu },
    { name: attachment.ifname, mac, mtu, sandbox: netns },
  ];
  return { steps, mac, interfaces, routes, through: host };
}

function hostSteps(host: string, pairs: readonly Pair[], alias: string): Step[] {
  const hasIpv6 = pairs.some(({ own }) => own.family === 6);
  // While its link-local address is tentative, the kernel sends no neighbour solicitation for forwarded packets.
  const settings = [
    ...(hasIpv6 ? [["disable_ipv6", "0"] as const] : []),
    ...(hasIpv6 || pairs.length === 0 ? [["accept_dad", "0"] as const] : []),
  ];
  const gateways = [...new Set(pairs.map(({ gateway }) => alone(gateway)))];
  return [
    deafToRouters(host),
    ...settings.map(([key, value]): Step => {
      const path = `net/ipv6/conf/${host}/${key}`;
      return { kind: "sysctl", where: "host", path, value, ifThere: hasIpv6 ? undefined : true };
    }),
    // Without addresses, programs on the link use the link-local ones.
    ...(hasIpv6 || pairs.length === 0 ? [] : [{ kind: "noLinkLocal", where: "host", link: host } as const]),
    ...gateways.map((address): Step => {
      return { kind: "address", where: "host", link: host, address, detectDuplicates: false, replaces: [] };
    }),
    { kind: "up", where: "host", link: host, alias },
    ...pairs.map(({ own }): Step => {
      const text = formatAddress(own);
      return { kind: "route", where: "host", dst: alone(text), ...onLink(text), link: host };
    }),
  ];
}

/** Throws Fault for a gateway other than the host's end, the only neighbour on the link. */
function byHost(route: Route, pairs: readonly Pair[]): Route {
  const gateways = pairs.map(({ gateway }) => gateway);
  if (route.gw === undefined || gateways.includes(route.gw)) return route;
  throw new Fault(
    code.config,
    `Cannot use the route to ${route.dst} by ${route.gw}: on a ptp link the only gateway is the host's end, ${gateways.join(", ")}`,
    "Leave gw out of this route; or use bridge, where containers are on one link",
  );
}

function routeStep(link: string, route: Omit<RouteStep, "kind" | "link">): Step {
  return { kind: "route", ...route, link };
}

/** IPv6 has no scopes. */
function onLink(address: string): { readonly scope: number | undefined } {
  return { scope: familyOf(address) === 6 ? undefined : routeScope.link };
}

/** `10.1.0.1/32` */
function alone(address: string): string {
  return `${address}/${addressBits(parseAddress(address)!.family)}`;
}

function pairOf({ address, gateway }: LeasedAddress): Pair {
  if (gateway !== undefined) return { own: parseCidr(address)!, gateway };
  throw new Fault(
    code.config,
    `Cannot make a ptp link for ${address} without a gateway`,
    "ipam must name a gateway for each address: the host's end of the link has it",
  );
}
