/** The plugin's configuration for each interface of a lab: a lab runs the same plugin as a container runtime. Pure. */
import { type Cidr, formatAddress, formatCidr } from "../../ip/address.ts";
import type { Interface, Lab, Network, Outside, Pod } from "../model/lab.ts";

export interface Attaching {
  readonly pod: string;
  readonly ifname: string;
  readonly configuration: Readonly<Record<string, unknown>>;
}

/** IFNAMSIZ of linux/if.h, without the closing NUL. */
const linkNameMax = 15;

/** The bridge has the network's name if that is short enough. */
export function bridgeOf(network: string): string {
  if (network.length <= linkNameMax) return network;
  return `${network.slice(0, 6)}-${new Bun.CryptoHasher("sha256").update(network).digest("hex").slice(0, 8)}`;
}

/** In the order of the file. Pods that join another have no interface of their own. */
export function attachingsOf(lab: Lab, dataDir: string): Attaching[] {
  const networks = new Map(lab.networks.map((network) => [network.name, network]));
  return lab.pods.flatMap((pod) =>
    pod.interfaces.map((one, i) => ({
      pod: pod.name,
      ifname: one.name,
      configuration: configurationOf(pod, one, i, networks, dataDir),
    })),
  );
}

function configurationOf(
  pod: Pod,
  { network: name, addresses }: Interface,
  place: number,
  networks: ReadonlyMap<string, Network>,
  dataDir: string,
) {
  const network = networks.get(name)!;
  const hasGateway = network.gateways.length > 0;
  const firstWithGateway = pod.interfaces.findIndex((one) => networks.get(one.network)!.gateways.length > 0);
  return {
    ...{ cniVersion: "1.1.0", name, type: "ns-net", dataDir },
    ...network.config,
    ...{ bridge: bridgeOf(name), isGateway: hasGateway, isDefaultGateway: hasGateway && place === firstWithGateway },
    ipMasq: network.masquerade && !network.internal,
    ...(network.mtu === undefined ? {} : { mtu: network.mtu }),
    ingressPolicy: ({ none: "open", networks: "same-bridge", pods: "isolated" } as const)[network.isolate],
    ipam: { type: "static", addresses: addresses.map((address) => addressOf(address, network)) },
    ...(place === 0 ? { sysctl: pod.sysctls, runtimeConfig: { portMappings: pod.publish.map(mappingOf) } } : {}),
  };
}

function addressOf(address: Cidr, { subnets, gateways }: Network) {
  const at = subnets.findIndex(({ family }) => family === address.family);
  const gateway = gateways[at];
  return { address: formatCidr(address), ...(gateway ? { gateway: formatAddress(gateway) } : {}) };
}

function mappingOf({ protocol, hostAddress, hostPort, podPort }: Pod["publish"][number]) {
  const hostIP = hostAddress && formatAddress(hostAddress);
  return { protocol, hostPort, containerPort: podPort, ...(hostIP ? { hostIP } : {}) };
}

/** The link between the lab's host and outside: a veth pair without a bridge. */
export function outsideAttaching({ addresses, hostAddresses }: Outside, dataDir: string): Attaching {
  return {
    pod: "outside",
    ifname: "eth0",
    configuration: {
      ...{ cniVersion: "1.1.0", name: "outside", type: "ptp", dataDir },
      ipam: {
        type: "static",
        addresses: addresses.map((address, i) => ({
          address: formatCidr(address),
          gateway: formatAddress(hostAddresses[i]!),
        })),
      },
    },
  };
}
