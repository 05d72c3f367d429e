/** The lab that every contestant makes: pods on three networks in turn. Pure. */

interface Network {
  readonly name: string;
  readonly subnet: string;
  /** The bridge's own address. */
  readonly gateway: string;
}

interface Pod {
  readonly name: string;
  /** Its name for `ip netns`, by each contestant. */
  readonly namespace: string;
  readonly network: Network;
  readonly address: string;
}

export interface Plan {
  readonly networks: readonly Network[];
  readonly pods: readonly Pod[];
}

export const labName = "bench";

export const prefixLength = 16;

const networks: readonly Network[] = ["front", "back", "far"].map((name, i) => ({
  name,
  subnet: `10.${i + 1}.0.0/${prefixLength}`,
  gateway: `10.${i + 1}.0.1`,
}));

/** The addresses are those that ns-net gives without being asked: the next free one of the network. */
export function planOf(pods: number): Plan {
  return { networks, pods: Array.from({ length: pods }, (_, i) => podOf(i)) };
}

function podOf(i: number): Pod {
  const at = i % networks.length;
  const number = Math.floor(i / networks.length) + 2; // after the gateway
  const name = `pod-${i}`;
  return {
    ...{ name, namespace: `${labName}-${name}`, network: networks[at]! },
    address: `10.${at + 1}.${number >> 8}.${number & 0xff}`,
  };
}

/** The lab file for `ns-net lab up`. */
export function labFileOf({ networks, pods }: Plan, serve: boolean): string {
  return [
    `name: ${labName}`,
    "outside: none",
    "networks:",
    ...networks.map(({ name, subnet }) => `  ${name}: ${subnet}`),
    "pods:",
    ...pods.map(({ name, network }) => `  ${name}: { networks: ${network.name}${serve ? ", serve: http:80" : ""} }`),
    "",
  ].join("\n");
}
