/** Entries of earlier boots, a few at a time, whenever one of them is met: nobody will ever DEL many of them. */
import { bootId } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";

/** These, with a lease each, took 0.4 ms (measured), 1.1 ms at the first time in a process. */
const sweepMost = 64;

/** What fails is left for another time: nobody asked for it. */
export function sweepEarlierBoots(store: Store): void {
  try {
    store.sweep(bootId(), sweepMost);
  } catch {
    // A full disk shows in what was asked for.
  }
}
