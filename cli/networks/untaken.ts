/** Running containers of the reference's plugins, until the first ADD of their network takes them over. */
import { uptime } from "node:os";
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
import { type Filter, entries as inStore, isOf, networkName } from "../attachments.ts";
import { living } from "../living.ts";
import { everyConfiguration } from "../network.ts";
import type { Target } from "../target.ts";

interface Untaken {
  readonly living: readonly Entry[];
  /** Nothing of them can be seen from here: the container may have ended, or lost its interface. */
  readonly gone: readonly Entry[];
}

/**
 * As the entries that they will have. Left out are reservations that outlived their container: another one of the store has
 * the address by now, or the machine started again since.
 */
export function untakenOf({ network, ifname, dataDir }: Filter, kernel: Kernel): Untaken {
  const known = inStore({ dataDir });
  const held = new Set(known.flatMap((entry) => [...placesOf(entry), ...leasesOf(entry)]));
  const name = network === undefined ? undefined : networkName(network);
  const startedMs = Date.now() - uptime() * 1000;
  const all = everyUntaken(everyConfiguration(dataDir), known, kernel)
    .filter(({ attachment }) => name === undefined || attachment.network === name)
    .filter(({ attachment }) => ifname === undefined || attachment.ifname === ifname)
    .map((entry) => located(entry))
    .filter((entry) => ![...placesOf(entry), ...leasesOf(entry)].some((place) => held.has(place)));
  const isLiving = living(all, kernel);
  const alive = all.filter(isLiving);
  return { living: alive, gone: all.filter((entry) => !alive.includes(entry) && entry.createdMs > startedMs) };
}

function leasesOf({ attachment, addresses }: Entry): string[] {
  return addresses.map(({ address }) => `${attachment.network} ${withoutPrefix(address)}`);
}

/** The namespace that has the addresses, with each of them. */
function placesOf({ netnsDevice, netnsInode, addresses }: Entry): string[] {
  return addresses.map(({ address }) => `${netnsDevice} ${netnsInode} ${withoutPrefix(address)}`);
}

/**
 * If the address of another plugin's attachment does not lead to one namespace, the runtime may say which one it gave: also
 * after the first ADD of the network. `path` is asked last.
 */
export function located(entry: Entry, path = ""): Entry {
  if (entry.netnsInode !== 0n || adoptedStep(entry) === undefined) return entry;
  const netns = openIfPresent(namespaceInResult(entry.attachment)) ?? openIfPresent(path);
  if (netns === undefined) return entry;
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
  const untaken = untakenOf(filter, kernel);
  return [...inStore(filter).map((entry) => located(entry)), ...untaken.living, ...untaken.gone];
}

/** As `entriesOf`, with these. */
export function shownOf(target: Target, filter: Filter): Entry[] {
  return everyShown(filter)
    .filter((entry) => isOf(target, entry))
    .map((entry) => located(entry, target.path));
}

/** The entry's state; for attachments of the reference: `adopted`, and `adoptable` before they are in the store. */
export function stateShown(entry: Entry, store: Store | undefined): Entry["state"] | "adopted" | "adoptable" {
  if (adoptedStep(entry) === undefined) return entry.state;
  return store?.find(entry.attachment) ? "adopted" : "adoptable";
}
