/**
 * Finds the next free address, round robin: after the one given last, through the spans in order, and around. So an
 * address is used again as late as possible, when caches of neighbours and connections have forgotten it.
 *
 * A run of used addresses is crossed by counting reservations in doubling steps, then by halves. Counting is one
 * indexed query, so thousands of leases in a row cost some twenty queries and no list.
 */
import type { Address } from "../ip/address.ts";
import { type Span, spanAt } from "./range.ts";

/** Answers how many of the addresses from `first` to `last` are in use. */
export type Count = (first: Address, last: Address) => number;

export interface Free {
  readonly span: Span;
  readonly value: bigint;
}

/**
 * The next free address after `after`; undefined if all are in use. `after` may be outside of all spans, as after a
 * change of configuration.
 */
export function nextFree(spans: readonly Span[], after: Address | undefined, taken: Count): Free | undefined {
  for (const span of turned(spans, after)) {
    const value = firstFree(span, taken);
    if (value !== undefined) return { span, value };
  }
  return undefined;
}

/** The spans in the order of the search: from just after an address around to that address. */
function turned(spans: readonly Span[], after: Address | undefined): Span[] {
  const span = after === undefined ? undefined : spanAt(spans, after);
  if (span === undefined || after === undefined) return [...spans];
  const at = spans.indexOf(span);
  const rest = { ...span, first: after.value + 1n };
  const start = { ...span, last: after.value };
  const found: Span[] = rest.first <= rest.last ? [rest] : [];
  for (let i = 1; i < spans.length; i++) found.push(spans[(at + i) % spans.length]!);
  if (start.first <= start.last) found.push(start);
  return found;
}

function firstFree({ family, first, last }: Span, taken: Count): bigint | undefined {
  const isFull = (from: bigint, to: bigint) =>
    BigInt(taken({ family, value: from }, { family, value: to })) === to - from + 1n;
  let from = first;
  for (let size = 1n; from <= last; size *= 2n) {
    const to = from + size - 1n < last ? from + size - 1n : last;
    if (!isFull(from, to)) return leastFree(from, to, isFull);
    from = to + 1n;
  }
  return undefined;
}

/** The first free address of a stretch that has one, by halving. */
function leastFree(first: bigint, last: bigint, isFull: (from: bigint, to: bigint) => boolean): bigint {
  let [low, high] = [first, last];
  while (low < high) {
    const middle = (low + high) / 2n;
    if (isFull(low, middle)) low = middle + 1n;
    else high = middle;
  }
  return low;
}
