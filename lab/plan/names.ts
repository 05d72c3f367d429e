/** The names that pods know: of each pod, the lab's host and outside. Pure. */
import { type Address, formatAddress } from "../../ip/address.ts";
import { blockOf, onlyHost } from "../model/hosts.ts";
import type { Lab, Pod } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";

/** The addresses of each name: of each family the best first. */
export type Names = ReadonlyMap<string, readonly Address[]>;

/** The pod whose network this one uses. */
export function netOwnerOf(pod: Pod, lab: Lab): Pod {
  return pod.joins === undefined ? pod : lab.pods.find(({ name }) => name === pod.joins)!;
}

/**
 * Names as pods, the host and outside see them, with addresses of the families that the viewer has. Pods on the same networks
 * see the same.
 */
export class NamesOfLab {
  readonly #lab: Lab;
  readonly #seen = new Map<string, Names>();
  /** Hosts and outside have both families, and published ports only those of the networks. */
  readonly #usual: 4 | 6;

  constructor(lab: Lab) {
    this.#lab = lab;
    const subnets = lab.networks.flatMap(({ subnets }) => subnets);
    this.#usual = subnets.length > 0 && subnets.every(({ family }) => family === 6) ? 6 : 4;
  }

  /** `viewer` is the name of a pod, a host or `outside`. */
  seenFrom(viewer: string): Names {
    const pod = this.#lab.pods.find(({ name }) => name === viewer);
    const networks = pod ? netOwnerOf(pod, this.#lab).interfaces.map(({ network }) => network) : [];
    const key = pod ? `${pod.host}: ${networks.join(" ")}` : `of ${viewer}`;
    const known = this.#seen.get(key) ?? namesOf(this.#lab, networks, viewer, pod?.host);
    this.#seen.set(key, known);
    return known;
  }

  /**
   * The address that a name means to a viewer: the first of IPv4, of IPv6 in a lab whose networks have nothing else, or of
   * `family`; undefined for an unknown name.
   */
  addressOf(name: string, viewer: string, family?: 4 | 6): Address | undefined {
    const all = this.seenFrom(viewer).get(name) ?? [];
    const wanted = all.find((one) => one.family === (family ?? this.#usual));
    return wanted ?? (family === undefined ? all[0] : undefined);
  }
}

function namesOf(lab: Lab, networks: readonly string[], viewer: string, podHost: string | undefined): Names {
  const names = new Map<string, readonly Address[]>();
  const subnets = networks.flatMap((name) => lab.networks.find((one) => one.name === name)!.subnets);
  const usable = ({ family }: Address) => subnets.length === 0 || subnets.some((one) => one.family === family);
  for (const pod of lab.pods) {
    const { interfaces } = netOwnerOf(pod, lab);
    const sharedFirst = [...interfaces].sort(
      (a, b) => Number(networks.includes(b.network)) - Number(networks.includes(a.network)),
    );
    const onLinks = endsOf(lab.links, netOwnerOf(pod, lab).name);
    const addresses = [...sharedFirst, ...onLinks].flatMap((one) => one.addresses);
    names.set(pod.name, firstOfEachFamily(addresses.filter(usable)));
    for (const { network, addresses } of interfaces) names.set(`${pod.name}.${network}`, addresses.filter(usable));
  }
  if (lab.outside) names.set("outside", lab.outside.addresses.filter(usable));
  if (lab.underlay) for (const host of lab.hosts) names.set(host.name, host.addresses.filter(usable));
  names.set(onlyHost, firstOfEachFamily(ownHost(lab, networks, viewer, podHost)));
  return names;
}

/** The meaning of `host`: to a pod its gateways, to outside the only host, to a host itself. */
function ownHost(lab: Lab, networks: readonly string[], viewer: string, podHost: string | undefined) {
  if (podHost === undefined) {
    const host = lab.hosts.find(({ name }) => name === viewer) ?? (lab.underlay ? undefined : lab.hosts[0]);
    return host?.addresses ?? [];
  }
  return networks.flatMap((name) => blockOf(lab.networks.find((one) => one.name === name)!, podHost)!.gateways);
}

function firstOfEachFamily(addresses: readonly Address[]): Address[] {
  return addresses.filter(({ family }, i) => addresses.findIndex((one) => one.family === family) === i);
}

const ownLines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost"];

/** The text of /etc/hosts (hosts(5)): a line for each address, with its shortest name first. */
export function hostsFileOf(names: Names): string {
  const byAddress = new Map<string, string[]>();
  for (const [name, addresses] of names) {
    for (const address of addresses) {
      const text = formatAddress(address);
      byAddress.set(text, [...(byAddress.get(text) ?? []), name]);
    }
  }
  const lines = [...byAddress].map(([address, all]) => [address, ...all].join(" "));
  return `${[...ownLines, ...lines].join("\n")}\n`;
}
