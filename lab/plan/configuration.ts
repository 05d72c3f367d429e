/** The plugin's configuration for each interface of a lab: a lab runs the same plugin as a container runtime. Pure. */
import {
  type Address,
  addressBits,
  type Cidr,
  contains,
  type Family,
  formatAddress,
  formatCidr,
} from "../../ip/address.ts";
import { blockOf, uplink } from "../model/hosts.ts";
import type { Block, Interface, Lab, Pod } from "../model/lab.ts";

export interface Attaching {
  /** A pod, a host or outside. */
  readonly pod: string;
  /** The host of the attachment; absent: the supervisor's own namespace, which is the underlay of several hosts. */
  readonly host?: string;
  readonly ifname: string;
  readonly configuration: Readonly<Record<string, unknown>>;
}

/** IFNAMSIZ of linux/if.h, without the closing NUL. */
const linkNameMax = 15;

const hashOf = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");

/** The bridge has the network's name if that is short enough. */
export function bridgeOf(network: string): string {
  return network.length <= linkNameMax ? network : `${network.slice(0, 6)}-${hashOf(network).slice(0, 8)}`;
}

/** Those of `pods` in the order of the file. Pods that join another have no interface of their own. */
export function attachingsOf(lab: Lab, dataDir: string, pods: readonly Pod[] = lab.pods): Attaching[] {
  return pods.flatMap((pod) =>
    pod.interfaces.map((one, place) => ({
      pod: pod.name,
      host: pod.host,
      ifname: one.name,
      configuration: {
        ...{ ...configurationOf(pod, one, lab), ...ofInterface(lab, pod, one, place) },
        dataDir: dataDirOf(lab, pod.host, dataDir),
      },
    })),
  );
}

/** Each of several hosts has a store of its own. */
export const dataDirOf = ({ underlay }: Lab, host: string, dataDir: string) =>
  underlay === undefined ? dataDir : `${dataDir}/${host}`;

function configurationOf(pod: Pod, one: Interface, lab: Lab) {
  const network = lab.networks.find(({ name }) => name === one.network)!;
  const block = blockOf(network, pod.host)!;
  const isInBlock = one.addresses.every((address) => isIn(block, address));
  return {
    ...{ cniVersion: "1.1.0", name: network.name, type: "ns-net" },
    ...network.config,
    bridge: bridgeOf(network.name),
    isGateway: block.gateways.length > 0 && isInBlock,
    // Several hosts masquerade by a step of their own (hosts.ts): the plugin knows only their parts of the network.
    ipMasq: network.masquerade && !network.internal && lab.underlay === undefined,
    ...(network.mtu === undefined ? {} : { mtu: network.mtu }),
    ingressPolicy: ({ none: "open", networks: "same-bridge", pods: "isolated" } as const)[network.isolate],
    ipam: {
      type: "static",
      addresses: one.addresses.map((address) => addressOf(address, block)),
      routes: routesOf(pod, one, lab),
    },
  };
}

/** False for an address that the file gives outside of its host's part. */
export const isIn = ({ subnets }: Block, address: Address) => subnets.some((subnet) => contains(subnet, address));

/** A hardware address that stays the same, and the ports that lead to this interface. */
function ofInterface(lab: Lab, pod: Pod, { name }: Interface, place: number) {
  const runtimeConfig = { mac: macOf(`${lab.name} ${pod.name} ${name}`), portMappings: mappingsAt(pod, place) };
  return { runtimeConfig };
}

/** A published port leads to the pod's first address of each family. */
function mappingsAt({ interfaces, publish }: Pod, place: number) {
  const has = (family: Family) => (one: Interface) => one.addresses.some((address) => address.family === family);
  const families = ([4, 6] as const).filter((family) => interfaces.findIndex(has(family)) === place);
  return publish
    .filter(({ hostAddress }) => hostAddress === undefined || families.includes(hostAddress.family))
    .flatMap(({ protocol, hostAddress, hostPort, podPort }) => {
      const mapping = { protocol, hostPort, containerPort: podPort };
      if (hostAddress) return [{ ...mapping, hostIP: formatAddress(hostAddress) }];
      if (place === 0) return [mapping];
      return families.map((family) => ({ ...mapping, hostIP: anyAddress[family] }));
    });
}

const anyAddress: Readonly<Record<Family, string>> = { 4: "0.0.0.0", 6: "::" };

/** Locally administered (IEEE 802, the second bit of the first byte). */
export function macOf(text: string): string {
  return ["02", ...hashOf(text).slice(0, 10).match(/../g)!].join(":");
}

function addressOf(address: Cidr, block: Block) {
  const gateway = block.gateways[block.subnets.findIndex((subnet) => contains(subnet, address))];
  return { address: formatCidr(address), ...(gateway ? { gateway: formatAddress(gateway) } : {}) };
}

const gatewayIn = ({ gateways }: Block, family: Family) => gateways.find((one) => one.family === family);

/** The destination of a default route. */
export const defaultOf: Readonly<Record<Family, string>> = { 4: "0.0.0.0/0", 6: "::/0" };

/** The pod's own routes through this interface, the default route of each family that has none of them, and those to the rest of the network. */
function routesOf(pod: Pod, one: Interface, lab: Lab) {
  const own = pod.routes.filter(({ gateway }) => one.addresses.some((cidr) => contains(cidr, gateway)));
  const defaults = defaultGatewaysOf(pod, lab).filter(({ through }) => through === one);
  return [
    ...routesToGateway(pod, one, lab),
    ...own.map(({ destination, gateway }) => ({
      dst: destination === "default" ? defaultOf[gateway.family] : formatCidr(destination),
      gw: formatAddress(gateway),
    })),
    ...defaults.map(({ gateway }) => ({ dst: defaultOf[gateway.family], gw: formatAddress(gateway) })),
    ...routesToParts(pod, one, lab)
      .filter(({ gateway }) => !defaults.some((each) => each.gateway === gateway))
      .map(({ to, gateway }) => ({ dst: formatCidr(to), gw: formatAddress(gateway) })),
  ];
}

/** An address outside of the host's part has no subnet with the gateway in it. */
function routesToGateway(pod: Pod, one: Interface, lab: Lab) {
  const block = blockOf(lab.networks.find(({ name }) => name === one.network)!, pod.host)!;
  return one.addresses
    .filter((address) => !isIn(block, address))
    .flatMap(({ family }) => {
      const gateway = gatewayIn(block, family);
      return gateway ? [{ dst: formatCidr({ ...gateway, prefixLength: addressBits(family) }) }] : [];
    });
}

/** The parts of the pod's network on other hosts are behind the gateway of its own. */
export function routesToParts(pod: Pod, one: Interface, { networks, underlay }: Lab) {
  if (underlay === undefined) return [];
  const network = networks.find(({ name }) => name === one.network)!;
  const block = blockOf(network, pod.host)!;
  return network.subnets.flatMap((to) => {
    const gateway = gatewayIn(block, to.family);
    return gateway && one.addresses.some(({ family }) => family === to.family) ? [{ to, gateway }] : [];
  });
}

/** The pod's host as its gateway: that of the first network with one, in each family without a default route of the pod's own. */
export function defaultGatewaysOf(pod: Pod, { networks }: Pick<Lab, "networks">) {
  return ([4, 6] as const).flatMap((family) => {
    if (pod.routes.some(({ destination, gateway }) => destination === "default" && gateway.family === family))
      return [];
    const found = pod.interfaces.flatMap((through) => {
      const network = networks.find(({ name }) => name === through.network)!;
      const gateway = gatewayIn(blockOf(network, pod.host)!, family);
      return gateway && through.addresses.some((one) => one.family === family) ? [{ through, gateway }] : [];
    });
    return found.slice(0, 1);
  });
}

/**
 * Connects outside with the only host, by a veth pair without a bridge; or several hosts and outside, by a bridge: the
 * underlay.
 */
export function underlayAttachings(lab: Lab, dataDir: string): Attaching[] {
  const { hosts, underlay, outside } = lab;
  const ends = [
    ...(underlay ? hosts : []).map((host) => ({ pod: host.name, addresses: host.addresses, mtu: host.mtu })),
    ...(outside ? [{ pod: "outside", addresses: outside.addresses, mtu: undefined }] : []),
  ];
  const kind = underlay ? { type: "ns-net", bridge: "underlay", isGateway: false } : { type: "ptp" };
  const [only] = hosts;
  return ends.map(({ pod, addresses, mtu }) => ({
    pod,
    ifname: uplink,
    configuration: {
      ...{
        cniVersion: "1.1.0",
        name: underlay ? "underlay" : "outside",
        ...kind,
        dataDir: dataDirOf(lab, "", dataDir),
      },
      ...(mtu && { mtu }),
      ipam: {
        type: "static",
        addresses: addresses.map((address, i) => ({
          address: formatCidr(address),
          ...(underlay ? {} : { gateway: formatAddress(only!.addresses[i]!) }),
        })),
      },
    },
  }));
}
