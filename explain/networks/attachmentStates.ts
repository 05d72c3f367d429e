/** How many attachments each network has, by state. */
import type { Entry } from "../../store/entry.ts";
import { isInterrupted } from "../../store/index.ts";

/** `interrupted`: the call that was at work on it died. `gone`: its namespace and its link no longer exist. */
export const attachmentStates = ["attached", "adding", "deleting", "interrupted", "gone"] as const;

export interface Attachments {
  readonly network: string;
  readonly state: (typeof attachmentStates)[number];
  readonly count: number;
}

/** States that no attachment has are left out. Without `isLiving` none is found to be gone. */
export function countAttachments(
  entries: readonly Entry[],
  isLiving: (entry: Entry) => boolean = () => true,
): Attachments[] {
  const counts = new Map<string, Map<Attachments["state"], number>>();
  for (const entry of entries) {
    const { network } = entry.attachment;
    const state = isInterrupted(entry)
      ? "interrupted"
      : entry.state === "attached" && !isLiving(entry)
        ? "gone"
        : entry.state;
    const ofNetwork = counts.get(network) ?? new Map<Attachments["state"], number>();
    counts.set(network, ofNetwork.set(state, (ofNetwork.get(state) ?? 0) + 1));
  }
  return [...counts].flatMap(([network, states]) =>
    attachmentStates.flatMap((state) => {
      const count = states.get(state);
      return count === undefined ? [] : [{ network, state, count }];
    }),
  );
}
