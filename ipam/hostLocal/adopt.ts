/**
 * Takes over leases of the reference's host-local into the store, so that no address in use is given again. Runs before
 * the first address of a network is given, and again if an address that is about to be given has a reservation: the
 * reference's plugins may run for a moment longer.
 *
 * All rows are one transaction with the mark in the network's row, so a process that is killed midway has changed
 * nothing. The files stay until the attachment is deleted, so that going back is possible.
 */
import { existsSync } from "node:fs";
import { addressBits, formatAddress } from "../../ip/address.ts";
import type { Adopted, LeasedAddress } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import type { Adoption } from "../ipam.ts";
import { type BoundRange, leased, spanAt, spansOf } from "../range.ts";
import { type AdoptedStep, adoptedStep } from "./adopted.ts";
import { lastReserved, type Reservation, reservationsIn } from "./reservations.ts";

interface Adopting {
  readonly network: string;
  readonly folder: string;
  readonly sets: readonly (readonly BoundRange[])[];
  readonly store: Store;
  readonly adoption: Adoption;
}

/** The caller holds host-local's lock. A second call adds new reservations and drops those that were released since. */
export function adopt({ network, folder, sets, store, adoption }: Adopting): void {
  for (const entry of store.entries(network)) {
    const step = adoptedStep(entry);
    if (step !== undefined && !step.files.some((file) => existsSync(file))) store.remove(entry.attachment);
  }
  const adopted: Adopted[] = [];
  for (const held of reservedIn(folder)) {
    const [{ container, ifname }] = held;
    const existing = store.find({ network, container, ifname });
    const isOurs = existing !== undefined && adoptedStep(existing) === undefined;
    // While ns-net was uninstalled, the reference deleted the container, and attached one of the same name.
    const reserved = held.map(({ address }) => formatAddress(address));
    const isReplaced = isOurs && adoption.isReplaced(existing, reserved);
    if (isReplaced) store.remove(existing.attachment);
    // It became ours since, or an uninstall left it to host-local: then only the store counts.
    if (isOurs && !isReplaced) {
      const files = held.map(({ file }) => file);
      adoption.release(container, files);
    } else adopted.push(adoptedFrom(held, { network, sets, adoption }));
  }
  const cursors = lastReserved(folder);
  store.adopt(network, adopted, (memory) => ({
    ...memory,
    cursors: { ...cursors, ...memory.cursors },
    adoptedFrom: folder,
  }));
}

/** The entry of an attachment that is taken over. Changes nothing. */
export function adoptedFrom(
  held: Held,
  {
    network,
    sets,
    adoption,
  }: Pick<Adopting, "network" | "sets"> & {
    readonly adoption: Pick<Adoption, "entryOf" | "portsOf">;
  },
): Adopted {
  const [{ container, ifname, reservedMs }] = held;
  const attachment = { network, container, ifname };
  const addresses = held.map(({ address }) => formatAddress(address));
  const files = held.map(({ file }) => file);
  const step: AdoptedStep = { kind: "adopted", attachment, addresses, files, bridge: adoption.portsOf };
  return {
    entry: adoption.entryOf(attachment, addresses),
    createdMs: reservedMs,
    addresses: held.map((one) => leaseOf(one, sets)),
    steps: [step],
  };
}

/** The reservations of one attachment. */
export type Held = readonly [Reservation, ...Reservation[]];

/** Every reservation of a network, by attachment. */
export function reservedIn(folder: string): Held[] {
  const found = new Map<string, [Reservation, ...Reservation[]]>();
  for (const one of reservationsIn(folder)) {
    const key = `${one.container} ${one.ifname}`;
    const others = found.get(key);
    if (others === undefined) found.set(key, [one]);
    else others.push(one);
  }
  return [...found.values()];
}

/** The lease as its range would have given it; an address of no range gets the longest prefix. */
function leaseOf({ address }: Reservation, sets: readonly (readonly BoundRange[])[]): LeasedAddress {
  for (const set of sets) {
    const span = spanAt(spansOf(set, []), address);
    if (span !== undefined) return leased(span.range, address.value);
  }
  return { address: `${formatAddress(address)}/${addressBits(address.family)}` };
}
