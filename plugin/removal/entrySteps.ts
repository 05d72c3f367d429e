/** What the steps of an entry say. */

import { linkMadeBy, type Step } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";

/** True for what was attached by a veth: it exists only as long as that does. */
export function hasVeth({ steps }: Entry): boolean {
  return ((steps ?? []) as readonly Step[]).some((step) => linkMadeBy(step) === "host");
}

/** All that was committed of an attachment: by its own ADD, and then by each chained plugin, in their order. */
export function committedSteps(
  { attachment, steps = [] }: Entry,
  store: Store | undefined,
): readonly (readonly Step[])[] {
  return [steps, ...(store?.chainedSteps(attachment) ?? [])] as readonly (readonly Step[])[];
}
