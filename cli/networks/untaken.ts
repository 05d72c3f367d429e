/** Running containers of the reference's plugins, until the first ADD of their network takes them over. */
import { everyUntaken } from "../../explain/networks/untaken.ts";
import { adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import { entriesOf, type Filter, entries as inStore, isOf, networkName } from "../attachments.ts";
import { living } from "../living.ts";
import { everyConfiguration } from "../network.ts";
import type { Target } from "../target.ts";

/** As the entries that they will have. Those that are gone are left out: the takeover makes them entries, and `gc` removes those. */
export function untakenLiving(known: readonly Entry[], { network, ifname, dataDir }: Filter, kernel: Kernel): Entry[] {
  const all = everyUntaken(everyConfiguration(dataDir), known, kernel).filter(
    ({ attachment }) =>
      (network === undefined || attachment.network === network) &&
      (ifname === undefined || attachment.ifname === ifname),
  );
  return all.filter(living(all, kernel));
}

/** The entries of the store, and these. */
export function everyShown(filter: Filter): Entry[] {
  const known = inStore({ ...filter, ifname: undefined });
  return [...inStore(filter), ...untakenIn(known, filter)];
}

/** As `entriesOf`, with these. */
export function shownOf(target: Target, filter: Filter): Entry[] {
  const untaken = untakenIn(inStore({ dataDir: filter.dataDir }), filter);
  return [...entriesOf(target, filter), ...untaken.filter((entry) => isOf(target, entry))];
}

function untakenIn(known: readonly Entry[], { network, ...filter }: Filter): Entry[] {
  using kernel = openKernel();
  return untakenLiving(known, { ...filter, network: network === undefined ? undefined : networkName(network) }, kernel);
}

/** The entry's state; for attachments of the reference: `adopted`, and `adoptable` before they are in the store. */
export function stateShown(entry: Entry, store: Store | undefined): Entry["state"] | "adopted" | "adoptable" {
  if (adoptedStep(entry) === undefined) return entry.state;
  return store?.find(entry.attachment) ? "adopted" : "adoptable";
}
