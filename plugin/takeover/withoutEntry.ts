/**
 * For GC without a list of valid attachments: what there is of attachments that have no entry, because the reference's
 * plugins made their interface. host-local has a reservation, or a chained plugin of ours has a record.
 */
import { type AdoptedStep, adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import type { ChainedRecord, Entry } from "../../store/entry.ts";
import { thisProcess } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { type Place, untaken } from "./untaken.ts";

interface WithoutEntry {
  /** By the name that the host's end of a veth of ours would have: the rules with this mark stay. */
  readonly kept: readonly string[];
  readonly stale: readonly AdoptedStep[];
}

/** Throws if it cannot be seen what is alive. */
export function withoutEntry(place: Place, store: Store | undefined, isKept: (entry: Entry) => boolean): WithoutEntry {
  const reserved = untaken(place);
  const recorded = store?.chainedRecordsOf(place.network).map(entryOfRecord) ?? [];
  return {
    kept: [...reserved, ...recorded].filter(isKept).map(({ hostLink }) => hostLink),
    stale: reserved.flatMap((entry) => (isKept(entry) ? [] : (adoptedStep(entry) ?? []))),
  };
}

/** As if a chained plugin had the interface: it lives as long as its namespace. */
export function entryOfRecord({ plugin: _, config: __, ...record }: ChainedRecord): Entry {
  const { attachment, bootId } = record;
  const rest = { bridge: "", hostLink: hostLinkName(attachment), ipamType: "", addresses: [], createdMs: 0 };
  return { ...thisProcess(), ...record, ...rest, bootId, state: "attached", steps: [] };
}
