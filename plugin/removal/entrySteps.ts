/** Reads the steps of an entry. */

import { withoutPrefix } from "../../ip/address.ts";
import { type AdoptedStep, isLeaseOnly } from "../../ipam/hostLocal/adopted.ts";
import { linkMadeBy, type Step, stepsOf } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";

/** True if the attachment is a veth: it exists only as long as the veth does. */
export function hasVeth(entry: Entry): boolean {
  return stepsOf(entry).some((step) => linkMadeBy(step) === "host");
}

/**
 * The steps that its own ADD committed, and then those of each chained plugin, in order. Another plugin that took
 * its addresses from here made the interface itself: then these addresses are all that is known.
 */
export function committedSteps(entry: Entry, store: Store | undefined): readonly (readonly Step[])[] {
  const chained = (store?.chainedSteps(entry.attachment) ?? []).map(stepsOf);
  return [isLeaseOnly(entry) ? [leaseOf(entry)] : stepsOf(entry), ...chained];
}

const leaseOf = ({ attachment, addresses }: Entry): AdoptedStep => ({
  ...{ kind: "adopted", attachment, files: [] },
  addresses: addresses.map(({ address }) => withoutPrefix(address)),
});
