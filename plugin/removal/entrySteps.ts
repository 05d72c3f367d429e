/** What the steps of an entry tell. */

import { identityIn } from "../../kernel/namespace.ts";
import { isAt } from "../../netlink/sameNetns.ts";
import { linkMadeBy, type Step } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";

/** True for what was attached by a veth, so that it stands only as long as that does. */
export function hasVeth({ steps }: Entry): boolean {
  return ((steps ?? []) as readonly Step[]).some((step) => linkMadeBy(step) === "host");
}

/** True when the namespace that an entry speaks of is at its path. */
export function isThere(entry: Entry): boolean {
  return isAt(entry.netnsPath, identityIn(entry));
}
