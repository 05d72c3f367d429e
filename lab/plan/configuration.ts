/** The plugin's configuration for each interface of a lab: a lab runs the same plugin as a container runtime. Pure. */
import { type Cidr, contains, type Family, formatAddress, formatCidr } from "../../ip/address.ts";
import type { Interface, Lab, Network, Outside, Pod } from "../model/lab.ts";

export interface Attaching {
  readonly pod: string;
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

/** In the order of the file. Pods that join another have no interface of their own. */
export function attachingsOf(lab: Lab, dataDir: string): Attaching[] {
  const networks = new Map(lab.networks.map((network) => [network.name, network]));
  return lab.pods.flatMap((pod) =>
    pod.interfaces.map((one, place) => ({
      pod: pod.name,
      ifname: one.name,
      configuration: { ...configurationOf(pod, one, networks), ...ofInterface(lab, pod, one, place), dataDir },
    })),
  );
}

function configurationOf(pod: Pod, one: Interface, networks: ReadonlyMap<string, Network>) {
  const network = networks.get(one.network)!;
  return {
    ...{ cniVersion: "1.1.0", name: network.name, type: "ns-net" },
    ...network.config,
    bridge: bridgeOf(network.name),
    isGateway: network.gateways.length > 0,
    ipMasq: network.masquerade && !network.internal,
    ...(network.mtu === undefined ? {} : { mtu: network.mtu }),
    ingressPolicy: ({ none: "open", networks: "same-bridge", pods: "isolated" } as const)[network.isolate],
    ipam: {
      type: "static",
      addresses: one.addresses.map((address) => addressOf(address, network)),
      routes: routesOf(pod, one, networks),
    },
  };
}

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

function addressOf(address: Cidr, { subnets, gateways }: Network) {
  const gateway = gateways[subnets.findIndex((subnet) => contains(subnet, address))];
  return { address: formatCidr(address), ...(gateway ? { gateway: formatAddress(gateway) } : {}) };
}

/** The destination of a default route. */
export const defaultOf: Readonly<Record<Family, string>> = { 4: "0.0.0.0/0", 6: "::/0" };

/** The pod's own routes through this interface, and the default route of each family that has none of them. */
function routesOf(pod: Pod, one: Interface, networks: ReadonlyMap<string, Network>) {
  const own = pod.routes.filter(({ gateway }) => one.addresses.some((cidr) => contains(cidr, gateway)));
  return [
    ...own.map(({ destination, gateway }) => ({
      dst: destination === "default" ? defaultOf[gateway.family] : formatCidr(destination),
      gw: formatAddress(gateway),
    })),
    ...defaultGatewaysOf(pod, networks)
      .filter(({ through }) => through === one)
      .map(({ gateway }) => ({ dst: defaultOf[gateway.family], gw: formatAddress(gateway) })),
  ];
}

/** The lab's host as the pod's gateway: that of the first network with one, in each family without a default route of the pod's own. */
export function defaultGatewaysOf(pod: Pod, networks: ReadonlyMap<string, Network>) {
  return ([4, 6] as const).flatMap((family) => {
    if (pod.routes.some(({ destination, gateway }) => destination === "default" && gateway.family === family))
      return [];
    const found = pod.interfaces.flatMap((through) => {
      const gateway = networks.get(through.network)?.gateways.find((one) => one.family === family);
      return gateway && through.addresses.some((one) => one.family === family) ? [{ through, gateway }] : [];
    });
    return found.slice(0, 1);
  });
}

/** The link between the lab's host and outside: a veth pair without a bridge. */
export function outsideAttaching({ addresses, hostAddresses }: Outside, dataDir: string): Attaching {
  const gatewayed = addresses.map((address, i) => ({
    address: formatCidr(address),
    gateway: formatAddress(hostAddresses[i]!),
  }));
  return {
    pod: "outside",
    ifname: "eth0",
    configuration: {
      ...{ cniVersion: "1.1.0", name: "outside", type: "ptp", dataDir },
      ipam: { type: "static", addresses: gatewayed },
    },
  };
}
