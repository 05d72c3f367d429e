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
import type { Interface } from "./lab.ts";

/** The addresses of outside (RFC 5737 and RFC 3849, ranges for documentation). */
export const outsideSubnets: readonly Cidr[] = [
  { family: 4, value: 0xcb007100n, prefixLength: 24 },
  { family: 6, value: 0x20010db8_01130000_00000000_00000000n, prefixLength: 64 },
];

/** Networks must not share addresses: the lab's host could not tell them apart. */
export function refuseOverlaps({ networks, outside }: LabFile, mistakes: Mistake[]): void {
  const seen: { readonly subnet: Cidr; readonly owner: string }[] = [];
  if (outside === "simulated") for (const subnet of outsideSubnets) seen.push({ subnet, owner: "outside" });
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

/** A host's address in a subnet by its number, 1 for the first. */
export function nthOf(subnet: Cidr, n: bigint): Address {
  return { family: subnet.family, value: networkOf(subnet).value + n };
}

/** One pool for each subnet of each network. Addresses that the file asks for are taken before any is given. */
export class Addressing {
  readonly #pools = new Map<string, Pool[]>();
  readonly #mistakes: Mistake[];

  constructor({ networks, pods }: LabFile, mistakes: Mistake[]) {
    this.#mistakes = mistakes;
    for (const network of networks) this.#pools.set(network.name.value, poolsOf(network));
    for (const pod of pods) {
      for (const { network, addresses } of pod.networks) {
        this.#refuseSecond(network.value, addresses, pod.name.value);
        for (const address of addresses) this.#take(network.value, address, pod.name.value);
      }
    }
  }

  /** The interfaces of a pod. A network that does not exist is reported elsewhere, and left out. */
  interfacesOf({ name, networks }: PodEntry): Interface[] {
    return networks.flatMap(({ network, addresses }, i) => {
      const pools = this.#pools.get(network.value);
      if (pools === undefined) return [];
      const cidrs = pools.flatMap((pool) => {
        const own = addresses.find(({ value }) => contains(pool.subnet, value))?.value;
        const given = own ?? pool.next(name.value);
        if (given) return [{ ...given, prefixLength: pool.subnet.prefixLength }];
        this.#mistakes.push({
          at: network.at,
          message: `${formatCidr(pool.subnet)} of ${network.value} has no address left for ${name.value}`,
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
  readonly #takenBy = new Map<bigint, string>();
  readonly #gateway: bigint | undefined;
  #next: bigint;

  constructor(subnet: Cidr, gateway: boolean) {
    this.subnet = subnet;
    this.#gateway = gateway ? nthOf(subnet, 1n).value : undefined;
    this.#next = networkOf(subnet).value;
  }

  /** Why a pod cannot have the address; undefined if it can. */
  refusalOf({ value }: Address): string | undefined {
    const owner = this.#takenBy.get(value);
    if (owner !== undefined) return `${owner}'s already`;
    if (value === this.#gateway) return "the gateway's";
    if (this.#isReserved(value))
      return value === lastOf(this.subnet).value ? "the broadcast address" : "the network's own";
    return undefined;
  }

  take({ value }: Address, pod: string): void {
    this.#takenBy.set(value, pod);
  }

  next(pod: string): Address | undefined {
    const last = lastOf(this.subnet).value;
    for (; this.#next <= last; this.#next++) {
      const address = { family: this.subnet.family, value: this.#next };
      if (this.refusalOf(address) !== undefined) continue;
      this.take(address, pod);
      return address;
    }
    return undefined;
  }

  /** The first address, and for IPv4 the last; but not in a /31 and a /32, or a /127 and a /128 (RFC 3021, RFC 6164). */
  #isReserved(value: bigint): boolean {
    if (addressBits(this.subnet.family) - this.subnet.prefixLength <= 1) return false;
    return value === networkOf(this.subnet).value || (this.subnet.family === 4 && value === lastOf(this.subnet).value);
  }
}

const poolsOf = ({ subnets, gateway }: NetworkEntry) => subnets.map(({ value }) => new Pool(value, gateway));
