/** Entries of earlier boots, a few at a time, whenever one of them is met: nobody will ever DEL many of them. */
import { bootId, type Store } from "../ipam/store.ts";

/** Some 1 ms: an entry and its lease take 8 µs. */
const sweepMost = 64;

/** What fails is left for another time: nobody asked for it. */
export function sweepEarlierBoots(store: Store): void {
  try {
    store.sweep(bootId(), sweepMost);
  } catch {
    // A full disk shows in what was asked for.
  }
}
