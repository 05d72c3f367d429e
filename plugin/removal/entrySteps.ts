/** What the steps of an entry tell. */

import { linkMadeBy, type Step } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";

/** True for what was attached by a veth, so that it stands only as long as that does. */
export function hasVeth({ steps }: Entry): boolean {
  return ((steps ?? []) as readonly Step[]).some((step) => linkMadeBy(step) === "host");
}
