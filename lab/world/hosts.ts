/** /etc/hosts of each pod: `api`, an address on a shared network first, and `api.back` for each network. Pure. */
import { type Address, formatAddress } from "../../ip/address.ts";
import type { Lab, Pod } from "../model/lab.ts";

const ownLines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost"];

export function hostsFileOf(pod: Pod, lab: Lab): string {
  const own = netOwnerOf(pod, lab);
  const lines = lab.pods.flatMap((other) => namesOf(other, own, lab));
  return `${[...ownLines, ...lines.map(({ address, name }) => `${formatAddress(address)} ${name}`)].join("\n")}\n`;
}

/** The pod whose network this one uses. */
export function netOwnerOf(pod: Pod, lab: Lab): Pod {
  return pod.joins === undefined ? pod : lab.pods.find(({ name }) => name === pod.joins)!;
}

interface Name {
  readonly name: string;
  readonly address: Address;
}

/** The names of one pod as another sees them: its own name once for each family. */
function namesOf(pod: Pod, from: Pod, lab: Lab): Name[] {
  const { interfaces } = netOwnerOf(pod, lab);
  const shared = new Set(from.interfaces.map(({ network }) => network));
  const inOrder = [...interfaces].sort((a, b) => Number(shared.has(b.network)) - Number(shared.has(a.network)));
  const seen = new Set<number>();
  const short = inOrder
    .flatMap(({ addresses }) => addresses)
    .filter(({ family }) => !seen.has(family) && seen.add(family))
    .map((address) => ({ name: pod.name, address }));
  const long = interfaces.flatMap(({ network, addresses }) =>
    addresses.map((address) => ({ name: `${pod.name}.${network}`, address })),
  );
  return [...short, ...long];
}

/** The address that a name means to a pod, or to the host or outside; undefined for an unknown name. */
export function addressOf(name: string, from: Pod | undefined, lab: Lab, family?: 4 | 6): Address | undefined {
  const viewer: Pod = from ?? { ...lab.pods[0]!, interfaces: [] };
  const found = lab.pods
    .flatMap((pod) => namesOf(pod, netOwnerOf(viewer, lab), lab))
    .filter((one) => one.name === name);
  return (found.find(({ address }) => address.family === (family ?? 4)) ?? (family ? undefined : found[0]))?.address;
}
