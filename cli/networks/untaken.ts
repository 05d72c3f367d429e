/** Running containers of the reference's plugins, until the first ADD of their network takes them over. */
import { everyUntaken } from "../../explain/networks/untaken.ts";
import { withoutPrefix } from "../../ip/address.ts";
import { adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { openIfPresent } from "../../kernel/namespace.ts";
import { withCookie } from "../../netlink/sameNetns.ts";
import { namespaceInResult } from "../../plugin/liveness/cachedResult.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import { closeNetns } from "../../sys/netns.ts";
import { entriesOf, type Filter, entries as inStore, isOf, networkName } from "../attachments.ts";
import { living } from "../living.ts";
import { everyConfiguration } from "../network.ts";
import type { Target } from "../target.ts";

/**
 * As the entries that they will have. Left out are those whose namespace is not found, and reservations that outlived
 * their container: another one of the store has the address by now.
 */
export function untakenLiving({ network, ifname, dataDir }: Filter, kernel: Kernel): Entry[] {
  const known = inStore({ dataDir });
  const held = new Set(known.flatMap(placesOf));
  const name = network === undefined ? undefined : networkName(network);
  const all = everyUntaken(everyConfiguration(dataDir), known, kernel)
    .filter(({ attachment }) => name === undefined || attachment.network === name)
    .filter(({ attachment }) => ifname === undefined || attachment.ifname === ifname)
    .flatMap((entry) => located(entry) ?? [])
    .filter((entry) => !placesOf(entry).some((place) => held.has(place)));
  return all.filter(living(all, kernel));
}

/** The namespace that has the addresses, with each of them. */
function placesOf({ netnsDevice, netnsInode, addresses }: Entry): string[] {
  return addresses.map(({ address }) => `${netnsDevice} ${netnsInode} ${withoutPrefix(address)}`);
}

/** If its address does not lead to one namespace, the runtime may say which one it gave. */
function located(entry: Entry): Entry | undefined {
  if (entry.netnsInode !== 0n) return entry;
  const netns = openIfPresent(namespaceInResult(entry.attachment));
  if (netns === undefined) return undefined;
  try {
    const { path, device, inode, cookie } = withCookie(netns);
    return { ...entry, netnsPath: path, netnsDevice: device, netnsInode: inode, netnsCookie: cookie };
  } finally {
    closeNetns(netns);
  }
}

/** The entries of the store, and these. */
export function everyShown(filter: Filter): Entry[] {
  using kernel = openKernel();
  return [...inStore(filter), ...untakenLiving(filter, kernel)];
}

/** As `entriesOf`, with these. */
export function shownOf(target: Target, filter: Filter): Entry[] {
  using kernel = openKernel();
  return [...entriesOf(target, filter), ...untakenLiving(filter, kernel).filter((entry) => isOf(target, entry))];
}

/** The entry's state; for attachments of the reference: `adopted`, and `adoptable` before they are in the store. */
export function stateShown(entry: Entry, store: Store | undefined): Entry["state"] | "adopted" | "adoptable" {
  if (adoptedStep(entry) === undefined) return entry.state;
  return store?.find(entry.attachment) ? "adopted" : "adoptable";
}
