/**
 * GC: a set difference. Removes the attachments of this network in the store and in the kernel, except those that the
 * runtime lists as valid. Continues after errors, and reports them together.
 */

import type { Attachment } from "../conf/attachment.ts";
import type { Call } from "../conf/call.ts";
import type { CollectRequest } from "../conf/request.ts";
import { ipamForRelease } from "../ipam/index.ts";
import { createdName } from "../kernel/hostLink.ts";
import { type Kernel, openKernel } from "../kernel/kernel.ts";
import { hostLinkName } from "../kernel/linkNames.ts";
import { isDisputed, linkGroup, unnamedNetwork } from "../kernel/ownership.ts";
import { vethKind } from "../netlink/route/kind/veth.ts";
import { type Link, listLinks } from "../netlink/route/link.ts";
import { undoAll } from "../step/commit.ts";
import { leftoversOf, type Removal } from "../step/index.ts";
import type { Entry } from "../store/entry.ts";
import { isInProgress, isInterrupted, thisProcess } from "../store/index.ts";
import { beganMs } from "../store/owner.ts";
import type { Store } from "../store/store.ts";
import { mayBlock } from "../sys/sharedProcess.ts";
import { Attempts } from "./attempts.ts";
import defer * as undo from "./chain/undo.ts";
import { throwTogether } from "./faults.ts";
import { evidence } from "./liveness/evidence.ts";
import { livenessOf, mayLive } from "./liveness/liveness.ts";
import { openExisting } from "./recovery/openStore.ts";
import { removeAttachments } from "./removal/attachment.ts";
import { findUnused, removeUnused, type Unused } from "./shared/collect.ts";
import defer * as find from "./takeover/find.ts";
import defer * as unentered from "./takeover/withoutEntry.ts";

export interface Collected {
  readonly attachments: readonly Attachment[];
  readonly links: readonly string[];
  readonly chains: readonly string[];
  readonly bridges: readonly string[];
}

interface CollectOptions {
  /** Answers what it would remove, and removes nothing. */
  readonly dryRun?: boolean;
  /**
   * For `ns-net gc`, which has no list of valid attachments: whether the entry may be alive. Links without an entry are
   * kept, too: a veth lives as long as its namespace.
   */
  readonly isKept?: ((entry: Entry) => boolean) | undefined;
  /** For `ns-net uninstall`: leaves what the reference's plugins made, dead or alive, to them. */
  readonly sparesReserved?: boolean;
  /** Learns how many of the attachments that are removed are claimed, before their links are removed together. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Throws Fault with every error there was, after all else is done. */
export async function gc(
  request: CollectRequest,
  call: Call,
  { dryRun = false, isKept, sparesReserved = false, onProgress }: CollectOptions = {},
): Promise<Collected> {
  using kernel = openKernel({ host: call.namespace, stderr: call.stderr });
  const attempts = new Attempts();
  // Links before entries, and before the store itself, which an ADD may be creating: ADD writes the entry before it
  // creates the link, so each link that is listed has its entry by then.
  const all = attempts.try([], () => ourLinks(request.network, kernel));
  using store = attempts.try(undefined, () => openExisting(request, kernel));
  const entries = attempts.try([], () => (store ? entriesOf(request.network, store) : []));
  const { kept, stale } = sorted(request, entries, { isKept, isDisputedAlive: isDisputedAlive(all, kernel) });
  if (isKept) keepUnknown(all, entries, kept);
  const others = othersOf(request, entries, store, { isKept, kernel, attempts });
  for (const name of others.kept) kept.add(name);
  const reserved = sparesReserved ? [] : others.stale;
  if (!dryRun && stale.length > 0) mayBlock("collect attachments"); // before they are claimed
  const claimed = dryRun || !store ? [] : claimStale(stale, store, kept, attempts, onProgress);
  const links = all.filter((link) => !kept.has(createdName(link)));
  if (!dryRun) {
    attempts.all(() => removeAttachments(request.network, claimed, links, store, kernel));
    attempts.all(() => undoAll([...reserved, ...strays(request)], kernel));
    for (const attachment of others.recorded) attempts.all(() => undo.undoChained(attachment, "", store!, kernel));
    await release(request, call, claimed, store, attempts);
  }
  const unused = attempts.try(nothing, () => {
    const look = { request, kernel, store, kept, others: others.reserved, gone: links };
    return dryRun ? findUnused(look) : removeUnused(look);
  });
  throwTogether([...attempts.errors, ...unused.errors]);
  return {
    attachments: distinct([...stale, ...reserved].map(({ attachment }) => attachment).concat(others.recorded)),
    links: links.map(({ name }) => name ?? ""),
    chains: unused.chains,
    bridges: unused.bridges,
  };
}

/** A reservation and records of chained plugins may be of one attachment. */
function distinct(all: readonly Attachment[]): Attachment[] {
  return [...new Map(all.map((attachment) => [hostLinkName(attachment), attachment])).values()];
}

const nothing: Unused = { chains: [], bridges: [], errors: [] };

interface Others {
  /** Names that links of ours would have: what has this mark stays. */
  readonly kept: readonly string[];
  /** Those of reservations among them. */
  readonly reserved: readonly string[];
  readonly stale: readonly Extract<Removal, { kind: "adopted" }>[];
  /** Attachments of which only chained plugins have records. */
  readonly recorded: readonly Attachment[];
}

/**
 * Attachments of the reference's plugins without an entry: no ADD has taken the network over yet. Without a list of valid
 * ones nothing is removed if it cannot be seen which are alive.
 */
function othersOf(
  request: CollectRequest,
  entries: readonly Entry[],
  store: Store | undefined,
  {
    isKept,
    kernel,
    attempts,
  }: Pick<CollectOptions, "isKept"> & { readonly kernel: Kernel; readonly attempts: Attempts },
): Others {
  if (!isKept) {
    const stale = attempts.try([], () => find.unknownReservations(request, entries, store));
    return { kept: [], reserved: [], stale, recorded: [] };
  }
  const folder = find.folderOf(request, store);
  return unentered.withoutEntry({ network: request.network, folder, entries, kernel }, store, isKept);
}

interface Sorted {
  /** Names of the links that stay. */
  readonly kept: Set<string>;
  readonly stale: readonly Entry[];
}

/**
 * A valid attachment stays, unless its call was interrupted: the runtime never learned that it succeeded. Another one
 * goes, unless a process is adding it at this moment, or has added it since this one began: the runtime's list is older.
 */
function sorted(
  { network, valid }: CollectRequest,
  entries: readonly Entry[],
  { isKept, isDisputedAlive }: Judge,
): Sorted {
  // A reservation of an old host-local does not contain the interface.
  const kept = new Set(
    valid.flatMap((one) => [one, { ...one, ifname: "" }].map((any) => hostLinkName({ network, ...any }))),
  );
  const self = thisProcess();
  const stale = entries.filter((entry) => {
    const isNewer = entry.bootId === self.bootId && beganMs(entry) > beganMs(self);
    const isBusy = isNewer || isInProgress(entry);
    const isValid = kept.has(entry.hostLink) || isBusy || isKept?.(entry) || isDisputedAlive(entry);
    const isStale = isInterrupted(entry) || !isValid;
    if (isStale) kept.delete(entry.hostLink);
    else kept.add(entry.hostLink);
    return isStale;
  });
  return { kept, stale };
}

/** Which entries stay though they are not on the list. */
interface Judge {
  readonly isKept: CollectOptions["isKept"] | undefined;
  readonly isDisputedAlive: (entry: Entry) => boolean;
}

/** No runtime knows the name under which a rebuilt store keeps the addresses of a second namespace. */
function isDisputedAlive(all: readonly Link[], kernel: Kernel): Judge["isDisputedAlive"] {
  const names = new Set(all.map(createdName));
  const look = evidence(kernel, ({ hostLink }) => names.has(hostLink));
  return (entry) => isDisputed(entry.attachment) && mayLive(livenessOf(entry, look));
}

function keepUnknown(all: readonly Link[], entries: readonly Entry[], kept: Set<string>): void {
  const known = new Set(entries.map(({ hostLink }) => hostLink));
  for (const name of all.map(createdName)) if (!known.has(name)) kept.add(name);
}

/** Answers the entries that this call may remove. One that changed since it was read stays, with its link: an ADD has just succeeded, or a DEL removes it. */
function claimStale(
  stale: readonly Entry[],
  store: Store,
  kept: Set<string>,
  attempts: Attempts,
  onProgress: CollectOptions["onProgress"],
): Entry[] {
  return stale.filter((entry, i) => {
    onProgress?.(i, stale.length);
    const isOurs = attempts.try(false, () => store.claim(entry));
    if (!isOurs) kept.add(entry.hostLink);
    return isOurs;
  });
}

/** Host devices of the network that the kernel returned when their namespace ended. */
function strays({ network }: CollectRequest) {
  return leftoversOf("container", { kind: "network", name: network });
}

async function release(
  request: CollectRequest,
  call: Call,
  claimed: readonly Entry[],
  store: Store | undefined,
  attempts: Attempts,
): Promise<void> {
  for (const entry of claimed) {
    const { attachment, netnsPath: netns } = entry;
    await attempts.tryAsync(() =>
      ipamForRelease(request, entry).release({ ...request, attachment, netns }, store, call),
    );
  }
  await attempts.tryAsync(() => ipamForRelease(request, undefined).collect?.(request, call));
}

/**
 * The veths of the network's group. Only veths, because a host device may be returned with a group that its container
 * wrote.
 */
function ourLinks(network: string, kernel: Kernel): Link[] {
  const group = linkGroup(network);
  return listLinks(kernel.route("host")).filter((link) => link.group === group && link.info?.kind === vethKind);
}

/** The entries of the network, with those of links that did not name it when the store was rebuilt. */
function entriesOf(network: string, store: Store): Entry[] {
  return [...store.entries(network), ...store.entries(unnamedNetwork(linkGroup(network)))];
}
