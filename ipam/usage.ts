/** How full the range sets of a network are. */
import type { Store } from "../store/store.ts";
import { gatewaysOf } from "./grant.ts";
import { type BoundRange, setText, sizeOf, spansOf } from "./range.ts";

export interface Usage {
  /** The set as text: `10.1.0.0/24`. */
  readonly range: string;
  /** Addresses that may be given, without gateways. */
  readonly size: bigint;
  readonly used: number;
}

export function usageOf(sets: readonly (readonly BoundRange[])[], network: string, store: Store): Usage[] {
  const gateways = gatewaysOf(sets);
  return sets.map((set) => {
    const spans = spansOf(set, gateways);
    const used = spans.reduce((sum, { family, first, last }) => {
      return sum + store.reservedCount(network, { family, value: first }, { family, value: last });
    }, 0);
    return { range: setText(set), size: sizeOf(spans), used };
  });
}
