/**
 * A pool without a free address. ADD then frees the leases of attachments that are certainly dead and tries again
 * (plugin/liveness/reclaim.ts). Only if there are none does it report this fault, with code 11.
 */

import { code, Fault } from "../conf/fault.ts";
import type { Address } from "../ip/address.ts";
import type { NewEntry } from "../store/entry.ts";
import type { Store } from "../store/store.ts";
import { type BoundRange, setText, sizeOf, spansOf } from "./range.ts";

/** A class, so that a caller can reclaim dead leases and try again. */
export class PoolFull extends Fault {}

export function poolFull(
  store: Store,
  { attachment: { network }, bootId }: NewEntry,
  set: readonly BoundRange[],
  gateways: readonly Address[],
): PoolFull {
  const size = sizeOf(spansOf(set, gateways));
  const stale = store.counts.stale(network, bootId);
  const held = stale === 0 ? "" : `${stale} of the network's attachments are from before the last boot. `;
  return new PoolFull(
    code.tryAgain,
    `No free address in ${setText(set)} of network ${network}: ${size} of ${size} in use`,
    `${held}See what can be reclaimed with "ns-net gc --dry-run", or configure a larger subnet`,
  );
}
