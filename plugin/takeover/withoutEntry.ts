/**
 * For GC without a list of valid attachments: what there is of attachments that have no entry, because the reference's
 * plugins made their interface. host-local has a reservation, or a chained plugin of ours has a record.
 */
import type { Attachment } from "../../conf/attachment.ts";
import { type AdoptedStep, adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import type { ChainedRecord, Entry } from "../../store/entry.ts";
import { thisProcess } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { type Place, untaken } from "./untaken.ts";

interface WithoutEntry {
  /** By the name that the host's end of a veth of ours would have: the rules with this mark stay. */
  readonly kept: readonly string[];
  /** Those of reservations among them. */
  readonly reserved: readonly string[];
  readonly stale: readonly AdoptedStep[];
  /** Attachments of which there are records alone. */
  readonly recorded: readonly Attachment[];
}

/** Between the reservation and the address of the reference's ADD there are some tens of milliseconds. */
const addMsMost = 5000;

/** Throws if it cannot be seen what is alive. */
export function withoutEntry(place: Place, store: Store | undefined, isKept: (entry: Entry) => boolean): WithoutEntry {
  const reserved = untaken(place);
  // The address comes a moment after its reservation.
  const isBusy = ({ createdMs }: Entry) => Math.abs(Date.now() - createdMs) < addMsMost;
  const known = new Set(place.entries.map(({ hostLink }) => hostLink));
  const records = store?.chainedRecordsOf(place.network).map(entryOfRecord) ?? [];
  const alone = records.filter(({ hostLink }) => !known.has(hostLink));
  const kept = new Set(
    [...reserved, ...alone].filter((one) => isBusy(one) || isKept(one)).map(({ hostLink }) => hostLink),
  );
  const gone = alone.filter(({ hostLink }) => !kept.has(hostLink));
  return {
    kept: [...kept],
    reserved: reserved.flatMap(({ hostLink }) => (kept.has(hostLink) ? [hostLink] : [])),
    stale: reserved.flatMap((entry) => (kept.has(entry.hostLink) ? [] : (adoptedStep(entry) ?? []))),
    recorded: [...new Map(gone.map(({ hostLink, attachment }) => [hostLink, attachment])).values()],
  };
}

/** As if a chained plugin had the interface: it lives as long as its namespace. */
export function entryOfRecord({ plugin: _, config: __, ...record }: ChainedRecord): Entry {
  const { attachment, bootId } = record;
  const rest = { bridge: "", hostLink: hostLinkName(attachment), ipamType: "", addresses: [], createdMs: 0 };
  return { ...thisProcess(), ...record, ...rest, bootId, state: "attached", steps: [] };
}
