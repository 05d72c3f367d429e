/**
 * Arithmetic of ranges. A range set becomes spans of addresses that may be given, without gateways. Nothing here walks
 * through addresses, so a /8 and a /64 cost the same as a /24.
 *
 * Defaults are host-local's (plugins/ipam/host-local/README.md): from the subnet's second address, which is the
 * gateway, to the last but one for IPv4 (the last is broadcast) and to the last for IPv6.
 */

import type { Range, RangeSet } from "../conf/config/config.ts";
import { badConfig } from "../conf/fault.ts";
import {
  type Address,
  contains,
  formatAddress,
  formatCidr,
  isLinkLocal,
  lastOf,
  parseAddress,
  parseCidr,
} from "../ip/address.ts";

/** The addresses of one range from `first` to `last`, both included. */
export interface Span {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  readonly range: BoundRange;
}

/** A range with its defaults. */
export interface BoundRange {
  readonly family: 4 | 6;
  readonly subnet: string;
  readonly prefixLength: number;
  readonly first: bigint;
  readonly last: bigint;
  readonly gateway: Address;
}

/** Adds the defaults, within the subnet's host addresses. Throws Fault (code 7) for a text that is no address. */
export function boundRange(range: Range): BoundRange {
  const subnet = parseCidr(range.subnet);
  if (subnet === undefined) throw badConfig("ipam.subnet", range.subnet, "a network such as 10.1.0.0/24");
  const { family, prefixLength } = subnet;
  const lowest = subnet.value + 1n;
  const highest = lastOf(subnet).value - (family === 4 ? 1n : 0n);
  const at = (key: "rangeStart" | "rangeEnd" | "gateway", otherwise: bigint): bigint => {
    const text = range[key];
    if (text === undefined) return otherwise;
    const address = parseAddress(text);
    if (key === "gateway" && address && family === 6 && isLinkLocal(address)) return address.value;
    if (address === undefined || !contains(subnet, address)) {
      throw badConfig(`ipam.${key}`, text, `an address in ${formatCidr(subnet)}`);
    }
    return address.value;
  };
  const start = at("rangeStart", lowest);
  const end = at("rangeEnd", highest);
  return {
    family,
    subnet: formatCidr(subnet),
    prefixLength,
    first: start < lowest ? lowest : start,
    last: end > highest ? highest : end,
    gateway: { family, value: at("gateway", lowest) },
  };
}

export function boundSets(sets: readonly RangeSet[]): BoundRange[][] {
  const bound: BoundRange[][] = [];
  for (const set of sets) {
    const ranges: BoundRange[] = [];
    for (const range of set) ranges.push(boundRange(range));
    bound.push(ranges);
  }
  return bound;
}

/** The spans of a set in its order, without `excluded` (the gateways of all sets). */
export function spansOf(set: readonly BoundRange[], excluded: readonly Address[]): Span[] {
  const spans: Span[] = [];
  for (const range of set) {
    const { family, last } = range;
    let { first } = range;
    for (const hole of holesIn(range, excluded)) {
      if (first < hole) spans.push({ family, first, last: hole - 1n, range });
      first = hole + 1n;
    }
    if (first <= last) spans.push({ family, first, last, range });
  }
  return spans;
}

/** The excluded addresses in a range, in order. */
function holesIn({ family, first, last }: BoundRange, excluded: readonly Address[]): bigint[] {
  const holes: bigint[] = [];
  for (const address of excluded) {
    if (address.family === family && address.value >= first && address.value <= last) holes.push(address.value);
  }
  return holes.length < 2 ? holes : holes.sort((a, b) => (a < b ? -1 : 1));
}

/** The number of addresses in the spans. */
export function sizeOf(spans: readonly Span[]): bigint {
  return spans.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
}

/** The span with this address. */
export function spanAt(spans: readonly Span[], { family, value }: Address): Span | undefined {
  for (const span of spans) if (span.family === family && span.first <= value && value <= span.last) return span;
  return undefined;
}

/** `10.1.0.0/29`, or `10.1.0.2-10.1.0.5` for a part of the subnet; several joined by `and`. */
export function setText(set: readonly BoundRange[]): string {
  return set.map(rangeText).join(" and ");
}

function rangeText({ family, subnet, first, last }: BoundRange): string {
  const whole = boundRange({ subnet });
  if (first === whole.first && last === whole.last) return subnet;
  return `${formatAddress({ family, value: first })}-${formatAddress({ family, value: last })}`;
}

/** An address of a range as it is in a lease. */
export function leased(range: BoundRange, value: bigint): { address: string; gateway: string } {
  return {
    address: `${formatAddress({ family: range.family, value })}/${range.prefixLength}`,
    gateway: formatAddress(range.gateway),
  };
}
