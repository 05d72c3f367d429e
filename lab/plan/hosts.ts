/** The steps of one of several hosts: how it reaches the parts of its networks on other hosts. Pure. */
import { type Address, addressBits, type Cidr, formatAddress, formatCidr } from "../../ip/address.ts";
import { linkLocalOf } from "../../ip/linkLocal.ts";
import type { Step } from "../../step/index.ts";
import type { RangeAcross } from "../../step/nft/rangesAcross.ts";
import { blockOf, uplink, vxlanLink } from "../model/hosts.ts";
import type { Host, Lab, Network, Underlay } from "../model/lab.ts";
import { bridgeOf, isIn, macOf } from "./configuration.ts";

/** IANA's port of VXLAN. */
const vxlanPort = 4789;
const vxlanId = 1;

/** The link by which a host reaches the pods of others. */
export const linkAcross = ({ across }: Underlay) => (across === "vxlan" ? vxlanLink : uplink);

const macOfHost = ({ name: lab }: Lab, { name }: Host) => macOf(`${lab} ${name} ${vxlanLink}`);

/** For a host that is on the underlay; routes come last, when everything that they need is there. Empty without `hosts`. */
export function acrossSteps(lab: Lab, host: Host): Step[] {
  const { underlay } = lab;
  if (underlay === undefined) return [];
  const others = lab.hosts.filter((one) => one !== host);
  return [
    ...(underlay.across === "vxlan" ? vxlanSteps(lab, host, others, underlay) : []),
    ...others.flatMap((other) => routeSteps(lab, other, underlay)),
    ...ruleSteps(lab, host, underlay),
  ];
}

function vxlanSteps(lab: Lab, host: Host, others: readonly Host[], { podMtu }: Underlay): Step[] {
  const link = vxlanLink;
  const local = (one: Host) => formatAddress(one.addresses[0]!);
  return [
    {
      ...{ kind: "vxlan", link, mac: macOfHost(lab, host), mtu: podMtu, id: vxlanId, port: vxlanPort },
      ...{ lower: uplink, local: local(host) },
    },
    ...others.flatMap((other): Step[] => {
      const mac = macOfHost(lab, other);
      return [
        ...other.addresses.map(
          ({ family }): Step => ({ kind: "neighbour", link, address: gatewayAcross(lab, other, family), mac }),
        ),
        { kind: "forwardingEntry", link, mac, to: local(other) },
      ];
    }),
  ];
}

/**
 * The address of another host at the far end of the link across. On VXLAN that is a name for its hardware address alone:
 * in IPv6 a link-local one, because the kernel refuses a gateway that another link leads to.
 */
function gatewayAcross(lab: Lab, other: Host, family: 4 | 6): string {
  if (lab.underlay!.across === "vxlan" && family === 6) return linkLocalOf(macOfHost(lab, other));
  return formatAddress(other.addresses.find((one) => one.family === family)!);
}

/** To each part of a network on the other host, and to addresses of its pods outside of them. */
function routeSteps(lab: Lab, other: Host, underlay: Underlay): Step[] {
  const strays = strayAddresses(lab, other).map(({ address }) => address);
  const parts = lab.networks.flatMap((network) => {
    const block = blockOf(network, other.name);
    return block && block.gateways.length > 0 ? block.subnets : [];
  });
  return [...parts, ...strays].map((to) => ({
    kind: "route",
    where: "host",
    link: linkAcross(underlay),
    dst: formatCidr(to),
    gw: gatewayAcross(lab, other, to.family),
    // The gateway is on the underlay, and no address of the VXLAN device says so.
    ...(underlay.across === "vxlan" && to.family === 4 ? { isOnLink: true } : {}),
  }));
}

/** Addresses that the file gives to pods of a host outside of its part of the network. */
function strayAddresses({ pods, networks }: Lab, { name: host }: Host) {
  return pods
    .filter((pod) => pod.host === host)
    .flatMap((pod) => pod.interfaces)
    .flatMap(({ network: name, addresses }) => {
      const network = networks.find((one) => one.name === name)!;
      const block = blockOf(network, host)!;
      return addresses
        .filter((address) => !isIn(block, address))
        .map((address) => ({ address: full(address), network, block }));
    });
}

const full = (address: Address): Cidr => ({ ...address, prefixLength: addressBits(address.family) });

/**
 * For a host whose pods are attached: it finds those with an address outside of its part by a route to each, and answers
 * for those whose address is in its part and which another host has.
 */
export function straySteps(lab: Lab, host: Host): Step[] {
  const own = strayAddresses(lab, host).flatMap(({ address, network, block }) => {
    const link = bridgeOf(network.name);
    const gateways = block.gateways.map((gateway, i) => ({ ...gateway, prefixLength: block.subnets[i]!.prefixLength }));
    return [
      ...gateways.map(
        (gateway): Step => ({
          ...{ kind: "address", where: "host", link, address: formatCidr(gateway) },
          ...{ detectDuplicates: false, replaces: [] },
        }),
      ),
      { kind: "route", where: "host", link, dst: formatCidr(address) } as const,
    ];
  });
  const others = lab.hosts.filter((one) => one !== host).flatMap((other) => strayAddresses(lab, other));
  return [...own, ...others.flatMap(({ address, network }) => proxySteps(address, network, host))];
}

/** None if the address is in no part of the host. */
function proxySteps(address: Cidr, network: Network, { name: host }: Host): Step[] {
  const block = blockOf(network, host);
  if (block === undefined || !isIn(block, address)) return [];
  const link = bridgeOf(network.name);
  const family = address.family === 4 ? "ipv4" : "ipv6";
  const setting = (path: string, value: string): Step => ({ kind: "sysctl", where: "host", path, value });
  return [
    { kind: "proxyNeighbour", link, address: formatAddress(address) },
    setting(`net/${family}/neigh/${link}/proxy_delay`, "0"), // else the answer comes up to 0.8 s later
    ...(address.family === 6 ? [setting(`net/ipv6/conf/${link}/proxy_ndp`, "1")] : []),
  ];
}

/** Packets between the parts of a network keep their source. */
function ruleSteps(lab: Lab, { name: host }: Host, underlay: Underlay): Step[] {
  const { networks } = lab;
  const here = networks.filter((network) => (blockOf(network, host)?.gateways.length ?? 0) > 0);
  const masqueraded = here.filter(({ masquerade, internal }) => masquerade && !internal);
  const ranges = networks.filter(({ internal, isolate }) => internal || isolate !== "none");
  return [
    ...masqueraded.map(
      ({ name, subnets }): Step => ({ kind: "masquerade", network: name, subnets: subnets.map(formatCidr) }),
    ),
    // Also without a range: the step replaces the rules of a lab that had one.
    { kind: "rangesAcross", uplink: linkAcross(underlay), ranges: ranges.map(rangeOf) },
  ];
}

const rangeOf = ({ name, subnets, internal, isolate }: Lab["networks"][number]): RangeAcross => ({
  bridge: bridgeOf(name),
  subnets: subnets.map(formatCidr),
  isInternal: internal,
  entered: ({ none: "by all", networks: "by itself", pods: "by none" } as const)[isolate],
});
