/**
 * GC: a set difference. What the store's entries and the kernel's links say is ours on this network, less what the
 * runtime says is valid, is removed. It goes on after errors and tells them together.
 */

import type { Attachment } from "../conf/attachment.ts";
import type { CollectRequest } from "../conf/request.ts";
import { ipamForRelease } from "../ipam/index.ts";
import { deleteLinks } from "../kernel/deleteLinks.ts";
import { Kernel } from "../kernel/kernel.ts";
import { hostLinkName } from "../kernel/linkNames.ts";
import { isDisputed, linkGroup, untoldNetwork } from "../kernel/ownership.ts";
import { madeName } from "../kernel/renamedLink.ts";
import { vethKind } from "../netlink/route/kind/veth.ts";
import { type Link, listLinks } from "../netlink/route/link.ts";
import { undoAll } from "../step/commit.ts";
import { leftoversOf } from "../step/index.ts";
import type { Entry } from "../store/entry.ts";
import { isInProgress, isInterrupted, openExistingStore, thisProcess } from "../store/index.ts";
import type { Store } from "../store/store.ts";
import { throwTogether } from "./faults.ts";
import { isThere, removeLeftovers } from "./removal/leftovers.ts";
import { findUnused, removeUnused, type Unused } from "./shared/collect.ts";
import defer * as find from "./takeover/find.ts";

export interface Collected {
  readonly attachments: readonly Attachment[];
  readonly links: readonly string[];
  readonly chains: readonly string[];
  readonly bridges: readonly string[];
}

export interface CollectOptions {
  /** Answers what it would remove, and removes nothing. */
  readonly dryRun?: boolean;
  /**
   * For a person, who has no list of what is valid, and in whose way ADDs come and go: whether an entry, as it is read
   * now, may still be somebody's. Links that no entry tells of stay, then: a veth lives as long as its namespace.
   */
  readonly mayStand?: (entry: Entry) => boolean;
}

/** Throws Fault with every error there was, after all else is done. */
export async function gc(
  request: CollectRequest,
  { dryRun = false, mayStand }: CollectOptions = {},
): Promise<Collected> {
  const kernel = new Kernel();
  const errors: Error[] = [];
  const attempt = async <T>(otherwise: NoInfer<T>, work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      errors.push(error as Error);
      return otherwise;
    }
  };
  // Links before entries, and before the store itself, which may be in the making: what is being added now has its
  // entry first, so its link is never taken for one without.
  const all = await attempt([], () => ourLinks(request.network, kernel));
  using store = await attempt(undefined, () => openExistingStore(request.dataDir));
  const entries = await attempt([], () => (store ? entriesOf(request.network, store) : []));
  const { kept, stale } = sorted(request, entries, mayStand);
  if (mayStand) keepUnknown(all, entries, kept);
  const foreign = await attempt([], () => unknown(request, entries, store));
  const claimed: Entry[] = [];
  for (const entry of dryRun ? [] : stale) {
    // Not ours to remove, link and all, when somebody changed the entry since: an ADD that ended well just now, a DEL.
    if (await attempt(false, () => store?.claim(entry) ?? false)) claimed.push(entry);
    else kept.add(entry.hostLink);
  }
  const links = all.filter((link) => !kept.has(madeName(link)));
  if (!dryRun) {
    await attempt(undefined, () => deleteLinks(request.network, links, kernel));
    errors.push(...removeLeftovers(claimed, store, kernel));
    const strays = leftoversOf("container", { kind: "network", name: request.network });
    errors.push(...undoAll([...foreign, ...strays], kernel));
    for (const entry of claimed) {
      await attempt(undefined, () =>
        ipamForRelease(request, entry).release(
          { ...request, attachment: entry.attachment, netns: entry.netnsPath },
          store,
        ),
      );
    }
    await attempt(undefined, () => ipamForRelease(request, undefined).collect?.(request));
  }
  const unused = await attempt<Unused | undefined>(undefined, () => {
    const look = { request, kernel, store, kept, gone: links };
    return dryRun ? findUnused(look) : removeUnused(look);
  });
  errors.push(...(unused?.errors ?? []));
  kernel.close();
  throwTogether(errors);
  return {
    attachments: [...stale, ...foreign].map(({ attachment }) => attachment),
    links: links.map(({ name }) => name ?? ""),
    chains: unused?.chains ?? [],
    bridges: unused?.bridges ?? [],
  };
}

/** What the reference's plugins made before ns-net came in their place, and no ADD has met since. */
function unknown(request: CollectRequest, entries: readonly Entry[], store: Store | undefined) {
  return find.unknownReservations(request, entries, store);
}

interface Sorted {
  /** Names of the links that stay. */
  readonly kept: Set<string>;
  readonly stale: readonly Entry[];
}

/**
 * What is valid stays, but for what a call that died left half-done: nobody was told that it succeeded. What is not
 * valid goes, but for what another process is adding at this moment, or has added since this one began: the runtime
 * wrote its list before.
 */
function sorted(
  { network, valid }: CollectRequest,
  entries: readonly Entry[],
  mayStand: CollectOptions["mayStand"],
): Sorted {
  // A reservation of an old host-local does not say of which interface it is.
  const kept = new Set(
    valid.flatMap((one) => [one, { ...one, ifname: "" }].map((any) => hostLinkName({ network, ...any }))),
  );
  const self = thisProcess();
  const stale = entries.filter((entry) => {
    const isNewer = entry.bootId === self.bootId && entry.pidStart > self.pidStart;
    const isPresent = isDisputed(entry.attachment) && isThere(entry);
    const isValid = kept.has(entry.hostLink) || isNewer || isInProgress(entry) || mayStand?.(entry) || isPresent;
    const isStale = isInterrupted(entry) || !isValid;
    if (isStale) kept.delete(entry.hostLink);
    else kept.add(entry.hostLink);
    return isStale;
  });
  return { kept, stale };
}

function keepUnknown(all: readonly Link[], entries: readonly Entry[], kept: Set<string>): void {
  const known = new Set(entries.map(({ hostLink }) => hostLink));
  for (const name of all.map(madeName)) if (!known.has(name)) kept.add(name);
}

/** The veths of the network's group. A lent device that comes home may have a group that its container gave it. */
function ourLinks(network: string, kernel: Kernel): Link[] {
  const group = linkGroup(network);
  return listLinks(kernel.route("host")).filter((link) => link.group === group && link.info?.kind === vethKind);
}

/** Those of links that could not tell their network, too. */
function entriesOf(network: string, store: Store): Entry[] {
  return [...store.entries(network), ...store.entries(untoldNetwork(linkGroup(network)))];
}
