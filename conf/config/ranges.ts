/** Checks ranges of addresses beyond the schema. The rules are those of the reference's host-local. */
import {
  type Address,
  addressBits,
  type Cidr,
  contains,
  type Family,
  formatAddress,
  formatCidr,
  isLinkLocal,
  lastOf,
  networkOf,
  parseAddress,
  parseCidr,
} from "../../ip/address.ts";
import { badConfig } from "../fault.ts";
import type { Accepted } from "../schema/schema.ts";
import type { range } from "../schema/shapes.ts";
import type { Range, RangeSet } from "./config.ts";

type GivenRange = Accepted<typeof range>;

/** A set as written, with its path: `ipam.ranges[0]`. The set of the flat keys has no index. */
export interface GivenSet {
  /** At least one, by the schema. */
  readonly ranges: readonly GivenRange[];
  readonly path: string;
  readonly flat?: boolean;
}

interface Span {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
  readonly path: string;
  readonly subnet: string;
}

/** Throws code 7 for ranges that are wrong, alone or together. */
export function rangeSetsOf(sets: readonly GivenSet[]): readonly RangeSet[] {
  const spans: Span[] = [];
  const result: RangeSet[] = [];
  for (const { ranges, path, flat = false } of sets) {
    const own: Range[] = [];
    let family: Family | undefined;
    for (let i = 0; i < ranges.length; i++) {
      const { range, span } = checkRange(ranges[i]!, flat ? path : `${path}[${i}]`);
      family ??= span.family;
      if (span.family !== family) {
        throw badConfig(`${span.path}.subnet`, span.subnet, `IPv${family}, as the rest of its set`);
      }
      spans.push(span);
      own.push(range);
    }
    result.push(own);
  }
  if (spans.length > 1) refuseOverlap(spans);
  return result;
}

function checkRange(given: GivenRange, path: string): { range: Range; span: Span } {
  const subnet = checkSubnet(given.subnet, join(path, "subnet"));
  const start = addressWithin(subnet, given.rangeStart, join(path, "rangeStart"));
  const end = addressWithin(subnet, given.rangeEnd, join(path, "rangeEnd"));
  const gateway = gatewayOf(subnet, given.gateway, join(path, "gateway"));
  const first = start?.value ?? subnet.value;
  const last = end?.value ?? lastOf(subnet).value;
  if (first > last) {
    throw end === undefined || given.rangeEnd === undefined
      ? badConfig(join(path, "rangeStart"), given.rangeStart, "before the end of the subnet")
      : badConfig(join(path, "rangeEnd"), given.rangeEnd, `at or after rangeStart ${given.rangeStart}`);
  }
  return {
    range: {
      subnet: formatCidr(subnet),
      rangeStart: start && formatAddress(start),
      rangeEnd: end && formatAddress(end),
      gateway: gateway && formatAddress(gateway),
    },
    span: { family: subnet.family, first, last, path, subnet: given.subnet },
  };
}

function checkSubnet(text: string, path: string): Cidr {
  const subnet = parseCidr(text);
  if (subnet === undefined) throw badConfig(path, text, "a network such as 10.1.0.0/24 or 2001:db8::/64");
  // IPv4 addresses in IPv6 form, which no packet has (RFC 4291, 2.5.5.2).
  if (subnet.family === 6 && subnet.value >> 32n === 0xffffn)
    throw badConfig(path, text, "an IPv4 network in its own form");
  const network = networkOf(subnet);
  if (network.value !== subnet.value) {
    throw badConfig(path, text, `a network's first address: ${formatCidr(network)}, without host bits`);
  }
  // Four addresses: network, gateway, one container, broadcast.
  const longest = addressBits(subnet.family) - 2;
  if (subnet.prefixLength > longest)
    throw badConfig(path, text, `a network of at least four addresses, so /${longest} or shorter`);
  return subnet;
}

/** Go programs write "" for "no address". */
function addressWithin(subnet: Cidr, text: string | undefined, path: string): Address | undefined {
  if (text === undefined || text === "") return undefined;
  const address = parseAddress(text);
  if (address === undefined || !contains(subnet, address)) {
    throw badConfig(path, text, `an address within the subnet ${formatCidr(subnet)}`);
  }
  return address;
}

/** An IPv6 router is known by its link-local address, which is in no subnet. */
function gatewayOf(subnet: Cidr, text: string | undefined, path: string): Address | undefined {
  const address = text ? parseAddress(text) : undefined;
  return address && subnet.family === 6 && isLinkLocal(address) ? address : addressWithin(subnet, text, path);
}

/** Sorted by first address, ranges that overlap are neighbours, or one encloses its neighbour: n log n. */
function refuseOverlap(spans: readonly Span[]): void {
  const ordered = spans
    .map((span, order) => ({ ...span, order }))
    .sort((a, b) => a.family - b.family || (a.first < b.first ? -1 : a.first > b.first ? 1 : a.order - b.order));
  for (const [i, span] of ordered.entries()) {
    const before = ordered[i - 1];
    if (before === undefined || before.family !== span.family || before.last < span.first) continue;
    const [earlier, later] = before.order < span.order ? [before, span] : [span, before];
    throw badConfig(
      later.path || "subnet",
      later.subnet,
      `clear of ${earlier.path || "subnet"}, which has ${earlier.subnet}; ranges may not overlap`,
    );
  }
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}
