/** Reads the steps of an entry. */

import { linkMadeBy, type Step, stepsOf } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";

/** True if the attachment is a veth: it exists only as long as the veth does. */
export function hasVeth(entry: Entry): boolean {
  return stepsOf(entry).some((step) => linkMadeBy(step) === "host");
}

/** The steps that its own ADD committed, and then those of each chained plugin, in order. */
export function committedSteps(entry: Entry, store: Store | undefined): readonly (readonly Step[])[] {
  return [entry, ...(store?.chainedSteps(entry.attachment) ?? [])].map(stepsOf);
}
