/** Subnets and their parts. Pure arithmetic. */
import { type Address, addressBits, type Cidr, networkOf } from "../../ip/address.ts";

/** The addresses of outside (RFC 5737 and RFC 3849, ranges for documentation). */
export const outsideSubnets: readonly Cidr[] = [
  { family: 4, value: 0xcb007100n, prefixLength: 24 },
  { family: 6, value: 0x20010db8_01130000_00000000_00000000n, prefixLength: 64 },
];

/** A host's address in a subnet by its number, 1 for the first. */
export function nthOf(subnet: Cidr, n: bigint): Address {
  return { family: subnet.family, value: networkOf(subnet).value + n };
}

/** The parts of a subnet, equal and as many as a power of two, one for each host in the order of the file. */
export function partsOf(subnet: Cidr, hosts: number): Cidr[] {
  const bits = hosts <= 1 ? 0 : Math.ceil(Math.log2(hosts));
  const prefixLength = subnet.prefixLength + bits;
  const size = 1n << BigInt(Math.max(0, addressBits(subnet.family) - prefixLength));
  return Array.from({ length: 2 ** bits }, (_, i) => ({
    ...subnet,
    value: networkOf(subnet).value + BigInt(i) * size,
    prefixLength,
  }));
}

/** A part has room for the network's own address, the gateway, a pod, and the broadcast address. */
export const isLargeEnough = ({ family, prefixLength }: Cidr): boolean => addressBits(family) - prefixLength >= 2;
