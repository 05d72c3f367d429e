/** How many attachments each network has, by state. */
import { adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import type { Entry } from "../../store/entry.ts";
import { isInterrupted } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";

/**
 * `adopted`: another plugin made it, and ns-net serves it. `adoptable`: the same, before the first ADD of the network.
 * `interrupted`: the call that was at work on it died. `gone`: its namespace and its link no longer exist.
 */
export const attachmentStates = [
  "attached",
  "adopted",
  "adoptable",
  "adding",
  "deleting",
  "interrupted",
  "gone",
] as const;

export interface Attachments {
  readonly network: string;
  readonly state: (typeof attachmentStates)[number];
  readonly count: number;
}

/** States that no attachment has are left out. `untaken`: attachments of the reference that are not in the store. */
export function countAttachments(
  entries: readonly Entry[],
  isLiving: (entry: Entry) => boolean = () => true,
  untaken: Readonly<Record<"living" | "gone", readonly Entry[]>> = { living: [], gone: [] },
): Attachments[] {
  const counts: Counts = new Map();
  for (const entry of entries) add(counts, entry.attachment.network, stateOf(entry, isLiving), 1);
  for (const { attachment } of untaken.living) add(counts, attachment.network, "adoptable", 1);
  for (const { attachment } of untaken.gone) add(counts, attachment.network, "gone", 1);
  return listed(counts);
}

function stateOf(entry: Entry, isLiving: (entry: Entry) => boolean): Attachments["state"] {
  if (isInterrupted(entry)) return "interrupted";
  if (entry.state !== "attached") return entry.state;
  if (!isLiving(entry)) return "gone";
  return adoptedStep(entry) ? "adopted" : "attached";
}

/** The same without reading the attachments, none of which is found to be gone: for a process that has others to serve. */
export function countInStore({ counts: stored }: Store): Attachments[] {
  const counts: Counts = new Map();
  for (const { network, count } of stored.attached()) add(counts, network, "attached", count);
  for (const { network, state, count } of countAttachments(stored.unfinished())) add(counts, network, state, count);
  return listed(counts);
}

type Counts = Map<string, Map<Attachments["state"], number>>;

function add(counts: Counts, network: string, state: Attachments["state"], count: number): void {
  const ofNetwork = counts.get(network) ?? new Map<Attachments["state"], number>();
  counts.set(network, ofNetwork.set(state, (ofNetwork.get(state) ?? 0) + count));
}

function listed(counts: Counts): Attachments[] {
  return [...counts].flatMap(([network, states]) =>
    attachmentStates.flatMap((state) => {
      const count = states.get(state);
      return count === undefined ? [] : [{ network, state, count }];
    }),
  );
}
