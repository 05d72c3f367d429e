/**
 * Attachments of the reference's plugins that no ADD has taken over yet: host-local's reservations, as the entries that
 * the first ADD of their network will write.
 */

import { adoptedFrom, reservedIn } from "../../ipam/hostLocal/adopt.ts";
import type { BoundRange } from "../../ipam/range.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Entry } from "../../store/entry.ts";
import { adoption } from "./leases.ts";

export interface Place {
  readonly network: string;
  /** host-local's, of this network. */
  readonly folder: string;
  /** The bridge that they are ports of, if that is known. */
  readonly bridge?: string | undefined;
  /** They give the addresses their prefix lengths. */
  readonly sets?: readonly (readonly BoundRange[])[];
  /** Those of the store. */
  readonly entries: readonly Entry[];
  readonly kernel: Kernel;
}

/** Oldest first. */
export function untaken({ network, folder, bridge, sets = [], entries, kernel }: Place): Entry[] {
  const key = (one: { readonly container: string; readonly ifname: string }) => `${one.container} ${one.ifname}`;
  const known = new Set(entries.map(({ attachment }) => key(attachment)));
  const host = adoption(kernel, bridge === undefined ? { bridge: "" } : { type: "bridge", bridge });
  return reservedIn(folder)
    .filter(([first]) => !known.has(key(first)))
    .map((held) => {
      const { entry, ...rest } = adoptedFrom(held, { network, sets, adoption: host });
      return { ...entry, ...rest, state: "attached" as const };
    })
    .sort((a, b) => a.createdMs - b.createdMs);
}
