/** Gives every pod its addresses: first those that the file asks for, then the next free ones in the order of the file. */
import {
  type Address,
  addressBits,
  type Cidr,
  contains,
  formatAddress,
  formatCidr,
  lastOf,
  networkOf,
  overlaps,
} from "../../ip/address.ts";
import type { LabFile, NetworkEntry, PodEntry } from "../file/labFile.ts";
import type { Located, Mistake } from "../file/mistakes.ts";
import { hostNameOf, underlaySubnets } from "./hosts.ts";
import type { Interface, Pod } from "./lab.ts";
import { isLargeEnough, nthOf, outsideSubnets, partsOf } from "./subnets.ts";

/** Networks must not share addresses: the lab's host could not tell them apart. */
export function refuseOverlaps(file: LabFile, mistakes: Mistake[]): void {
  const { networks, hosts, outside } = file;
  const seen: { readonly subnet: Cidr; readonly owner: string }[] = [];
  if (hosts.length > 0) for (const subnet of underlaySubnets(file)) seen.push({ subnet, owner: "the hosts' underlay" });
  else if (outside === "simulated") for (const subnet of outsideSubnets) seen.push({ subnet, owner: "outside" });
  for (const { name, subnets } of networks) {
    for (const { value, at } of subnets) {
      const other = seen.find(({ subnet }) => overlaps(subnet, value));
      if (other) {
        const message = `${formatCidr(value)} of ${name.value} overlaps ${formatCidr(other.subnet)} of ${other.owner}`;
        mistakes.push({ at, message, suggestion: "give each network a subnet of its own" });
      }
      seen.push({ subnet: value, owner: name.value });
    }
  }
}

/** One pool for each subnet of each network, in parts for hosts. Addresses that the file asks for are taken before any is given. */
export class Addressing {
  readonly #pools = new Map<string, Pool[]>();
  /** By pool and pod: what a pod had before, and has still. */
  readonly #kept = new Map<string, Address>();
  readonly #mistakes: Mistake[];
  readonly #file: LabFile;

  /** `before` are the pods of the lab that is up: their addresses stay, unless the file now gives them to others. */
  constructor(file: LabFile, mistakes: Mistake[], before: readonly Pod[] = []) {
    const { networks, pods, hosts } = file;
    this.#mistakes = mistakes;
    this.#file = file;
    for (const network of networks) this.#pools.set(network.name.value, poolsOf(network, hosts.length));
    for (const pod of pods) {
      for (const { network, addresses } of pod.networks) {
        this.#refuseSecond(network.value, addresses, pod.name.value);
        for (const address of addresses) this.#take(network.value, address, pod.name.value);
      }
    }
    for (const pod of pods) this.#keep(pod, before);
  }

  #keep(pod: PodEntry, before: readonly Pod[]): void {
    const { name, networks } = pod;
    const had = before.find((one) => one.name === name.value)?.interfaces ?? [];
    for (const { network, addresses } of networks) {
      const old = had.find((one) => one.network === network.value)?.addresses ?? [];
      for (const pool of this.#pools.get(network.value) ?? []) {
        if (addresses.some(({ value }) => contains(pool.subnet, value))) continue;
        const address = old.find((one) => contains(pool.partOf(this.#placeOf(pod)), one));
        if (address === undefined || pool.refusalOf(address) !== undefined) continue;
        pool.take(address, name.value);
        this.#kept.set(keptKey(pool, name.value), address);
      }
    }
  }

  /** The place of the pod's host in the file. */
  #placeOf(pod: PodEntry): number {
    const name = hostNameOf(pod, this.#file);
    return Math.max(
      0,
      this.#file.hosts.findIndex((one) => one.name.value === name),
    );
  }

  /** The interfaces of a pod. A network that does not exist is reported elsewhere, and left out. */
  interfacesOf(pod: PodEntry): Interface[] {
    const { name, networks } = pod;
    const host = this.#placeOf(pod);
    return networks.flatMap(({ network, addresses }, i) => {
      const pools = this.#pools.get(network.value);
      if (pools === undefined) return [];
      const cidrs = pools.flatMap((pool) => {
        const own = addresses.find(({ value }) => contains(pool.subnet, value))?.value;
        const given = own ?? this.#kept.get(keptKey(pool, name.value)) ?? pool.next(host, name.value);
        const part = pool.partOf(host);
        if (given)
          return [{ ...given, prefixLength: contains(part, given) ? part.prefixLength : addressBits(part.family) }];
        if (pool.isTooSmallForHosts) return []; // reported at the subnet
        this.#mistakes.push({
          at: network.at,
          message: `${formatCidr(part)} of ${network.value} has no address left for ${name.value}`,
          suggestion: `give ${network.value} a larger subnet`,
        });
        return [];
      });
      return [{ name: `eth${i}`, network: network.value, addresses: cidrs }];
    });
  }

  /** A pod has one address of each subnet. */
  #refuseSecond(network: string, addresses: readonly Located<Address>[], pod: string): void {
    for (const { subnet } of this.#pools.get(network) ?? []) {
      const [first, ...more] = addresses.filter(({ value }) => contains(subnet, value));
      for (const { at } of more)
        this.#mistakes.push({
          at,
          message: `${pod} has ${formatAddress(first!.value)} of ${formatCidr(subnet)}, and one address of a subnet is all`,
          suggestion: "remove one of the two",
        });
    }
  }

  #take(network: string, { value, at }: Located<Address>, pod: string): void {
    const pools = this.#pools.get(network);
    // A subnet with a mistake is left out, and reported elsewhere.
    if (pools === undefined || pools.length === 0) return;
    const text = formatAddress(value);
    const pool = pools.find(({ subnet }) => contains(subnet, value));
    if (pool === undefined) {
      const subnets = pools.map(({ subnet }) => formatCidr(subnet)).join(" and ");
      this.#mistakes.push({
        at,
        message: `${text} lies outside of ${network}`,
        suggestion: `${network} has ${subnets}`,
      });
      return;
    }
    const refusal = pool.refusalOf(value);
    if (refusal)
      this.#mistakes.push({
        at,
        message: `${text} is ${refusal}`,
        suggestion: `leave it out, and ${pod} gets a free one`,
      });
    else pool.take(value, pod);
  }
}

class Pool {
  readonly subnet: Cidr;
  readonly #parts: readonly Cidr[];
  readonly #takenBy = new Map<bigint, string>();
  readonly #hasGateway: boolean;
  /** The next address to try in each part. */
  readonly #next: bigint[];

  constructor(subnet: Cidr, hasGateway: boolean, parts: readonly Cidr[]) {
    this.subnet = subnet;
    this.#parts = parts;
    this.#hasGateway = hasGateway;
    this.#next = parts.map((part) => networkOf(part).value);
  }

  /** None of its parts has an address for a pod. */
  get isTooSmallForHosts(): boolean {
    return this.#parts.length > 1 && !isLargeEnough(this.#parts[0]!);
  }

  /** The part of a host by its place in the file. */
  partOf(host: number): Cidr {
    return this.#parts[host] ?? this.#parts[0]!;
  }

  /** Why a pod cannot have the address; undefined if it can. */
  refusalOf(address: Address): string | undefined {
    const { value } = address;
    const owner = this.#takenBy.get(value);
    if (owner !== undefined) return `${owner}'s already`;
    const part = this.#parts.find((one) => contains(one, address))!;
    if (this.#hasGateway && value === nthOf(part, 1n).value) return "the gateway's";
    if (isReserved(value, part)) return value === lastOf(part).value ? "the broadcast address" : "the network's own";
    return undefined;
  }

  take({ value }: Address, pod: string): void {
    this.#takenBy.set(value, pod);
  }

  next(host: number, pod: string): Address | undefined {
    const place = this.#parts[host] ? host : 0;
    const last = lastOf(this.#parts[place]!).value;
    for (; this.#next[place]! <= last; this.#next[place]!++) {
      const address = { family: this.subnet.family, value: this.#next[place]! };
      if (this.refusalOf(address) !== undefined) continue;
      this.take(address, pod);
      return address;
    }
    return undefined;
  }
}

/** The first address, and for IPv4 the last; but not in a /31 and a /32, or a /127 and a /128 (RFC 3021, RFC 6164). */
function isReserved(value: bigint, subnet: Cidr): boolean {
  if (addressBits(subnet.family) - subnet.prefixLength <= 1) return false;
  return value === networkOf(subnet).value || (subnet.family === 4 && value === lastOf(subnet).value);
}

const keptKey = ({ subnet }: Pool, pod: string) => `${formatCidr(subnet)} ${pod}`;

/** A network without a gateway is on one host alone, so it has one part. */
const poolsOf = ({ subnets, gateway }: NetworkEntry, hosts: number) =>
  subnets.map(({ value }) => new Pool(value, gateway, partsOf(value, gateway ? hosts : 1)));
