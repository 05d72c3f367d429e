/**
 * DEL: removes by the attachment's name alone. It needs no namespace, no lease, no `prevResult` and no valid
 * configuration; absent is success; everything is tried, and what failed comes back together.
 */

import type { Attachment } from "../conf/attachment.ts";
import { Fault } from "../conf/fault.ts";
import { isContainerLink, ownType } from "../conf/pluginType.ts";
import type { DeleteRequest } from "../conf/request.ts";
import { isAllOurs } from "../ipam/hostLocal/adopted.ts";
import { ipamForRelease } from "../ipam/index.ts";
import { Kernel } from "../kernel/kernel.ts";
import { hostLinkName } from "../kernel/linkNames.ts";
import { linkGroup, untoldAttachment, untoldNetwork } from "../kernel/ownership.ts";
import defer * as renamedLink from "../kernel/renamedLink.ts";
import { canBeChained, roleOf } from "../plan/types.ts";
import { undoAll } from "../step/commit.ts";
import { goesWithLast, type Removal, type Step } from "../step/index.ts";
import type { Entry } from "../store/entry.ts";
import { bootId, InProgress, openExistingStore } from "../store/index.ts";
import type { Store } from "../store/store.ts";
import defer * as wait from "../store/wait.ts";
import defer * as chained from "./chain/chained.ts";
import { throwTogether } from "./faults.ts";
import defer * as earlierBoots from "./liveness/earlierBoots.ts";
import { removals } from "./removal/attachment.ts";
import defer * as containerLink from "./removal/containerLink.ts";
import defer * as innerEnd from "./removal/innerEnd.ts";
import { removeChained, traces } from "./removal/leftovers.ts";
import defer * as newerStore from "./removal/newerStore.ts";
import defer * as ingressPolicies from "./shared/ingressPolicies.ts";
import defer * as find from "./takeover/find.ts";

/** Detaches a container. The link goes before the address: an address must not be given out while a link still has it. */
export async function del(request: DeleteRequest): Promise<void> {
  const errors: Error[] = [];
  let store: Store | undefined;
  let entry: Entry | undefined;
  let untold: Entry | undefined;
  const kernel = new Kernel();
  let isAbsent = false;
  try {
    // Left open: a plugin's process ends at once, and closing would write and sync.
    store = openExistingStore(request.dataDir);
    entry = store && (await deleting(store, request.attachment));
    if (entry === undefined) {
      // An ADD may have begun since. A link is made after its entry: one that is seen before the second look is not new.
      isAbsent = !isPresent(request.attachment, kernel) && !isInContainer(request);
      if (!isAbsent) store ??= openExistingStore(request.dataDir);
      if (!isAbsent && store) entry = await deleting(store, request.attachment);
      if (entry === undefined && store) untold = await deletingUntold(store, request.attachment);
      if (untold) [isAbsent, entry] = [false, { ...untold, attachment: request.attachment }];
      if (entry === undefined) delAfter(request, store);
    }
  } catch (error) {
    if (error instanceof InProgress) throw error;
    errors.push(...unlessNewer(error)); // the link goes all the same
  }
  let adopted: Removal | undefined;
  try {
    adopted = adoptedBy(request, entry, store, kernel);
  } catch (error) {
    errors.push(error as Error);
  }
  const found = traces(request.attachment, entry);
  const whenAbsent = () => undoInnerEnd(request, entry);
  const removed = isAbsent ? found : removals(request.attachment, found, whenAbsent);
  if (adopted) removed.push(adopted);
  if (entry && store) errors.push(...removeChained(entry, request.netns, store)); // the last to come is the first to go
  if (isAbsent) errors.push(...undoLeft(whenAbsent));
  else if (mayBeInside(request, entry)) {
    errors.push(...containerLink.undoContainerLink(request, entry));
  }
  errors.push(...undoAll(removed, kernel));
  if (entry && store && entry.bootId !== bootId()) {
    earlierBoots.sweepEarlierBoots(store);
  }
  // While a link may still hold the address, the lease stays; the runtime calls DEL again.
  if (errors.length === 0) {
    try {
      // What had no entry has none to remove: one that is there by now is another call's.
      await ipamForRelease(request, entry).release(request, entry && store);
      if (untold) store?.remove(untold.attachment);
      // An entry made from a reservation that does not say of which interface it is.
      if (adopted && entry === undefined) store?.remove({ ...request.attachment, ifname: "" });
    } catch (error) {
      errors.push(error as Error);
    }
  }
  if (errors.length === 0 && entry?.steps) removeShared(request.attachment, entry, store, kernel);
  kernel.close();
  throwTogether(errors);
}

/** The policy of a bridge is shared; it goes with the last attachment, for the next may come with another one. */
function removeShared(attachment: Attachment, { steps }: Entry, store: Store | undefined, kernel: Kernel): void {
  for (const step of steps as readonly Step[]) {
    if (!goesWithLast(step)) continue;
    ingressPolicies.removePoliciesWith(attachment, store, kernel);
    return;
  }
}

function unlessNewer(error: unknown): Error[] {
  if (!(error instanceof Fault)) return [error as Error];
  return newerStore.unlessNewer(error);
}

function isPresent(attachment: Attachment, kernel: Kernel): boolean {
  const host = hostLinkName(attachment);
  if (kernel.link("host", host)) return true;
  return renamedLink.renamedLink(host, kernel) !== undefined;
}

/** The host end has left this host: the container's end and its address may live. */
function undoInnerEnd(request: DeleteRequest, entry: Entry | undefined): void {
  const { type = ownType } = request;
  if (roleOf(type) !== "link" || isContainerLink(type)) return;
  innerEnd.removeInnerEnd(request, entry);
}

function undoLeft(work: () => void): Error[] {
  try {
    work();
    return [];
  } catch (error) {
    return [error as Error];
  }
}

function isInContainer(request: DeleteRequest): boolean {
  if (!isContainerLink(request.type ?? ownType)) return false;
  return containerLink.isInContainer(request);
}

/** What became a port without a veth of ours has no entry, but a row of a plugin that comes after another one. */
function delAfter({ type = ownType, ...request }: DeleteRequest, store: Store | undefined): void {
  if (!canBeChained(type) || !store?.chainedRecords(request.attachment).some(({ plugin }) => plugin === type)) return;
  chained.delChained({ ...request, type });
}

/** True for an attachment of which there may be something in the container's namespace that does not go with a link of the host. */
function mayBeInside({ type = ownType }: DeleteRequest, entry: Entry | undefined): boolean {
  return isContainerLink(type) || entry?.bridge === "";
}

/** All that another plugin made of the attachment before ns-net came in its place. Ours is told from its entry alone. */
function adoptedBy(
  request: DeleteRequest,
  entry: Entry | undefined,
  store: Store | undefined,
  kernel: Kernel,
): Removal | undefined {
  if (isAllOurs(entry)) return undefined;
  const { type = ownType } = request;
  // For another plugin's link, host-local gives back the lease and nothing else; and a veth may be a device that is lent.
  const isLeaseOnly = roleOf(type) === "ipam" || isContainerLink(type);
  const adopted = find.adoptedOf(request, entry, store, isLeaseOnly ? undefined : kernel);
  return adopted && isLeaseOnly ? { ...adopted, part: "lease" } : adopted;
}

/** An ADD that is still at work is waited for: what it has yet to make would outlive this DEL. */
async function deleting(store: Store, attachment: Attachment): Promise<Entry | undefined> {
  try {
    return store.deleting(attachment);
  } catch (error) {
    if (!(error instanceof InProgress)) throw error;
    return wait.waitWhileInProgress(() => store.deleting(attachment));
  }
}

/** A store made anew has an entry under another name where the link could not tell this one. */
async function deletingUntold(store: Store, attachment: Attachment): Promise<Entry | undefined> {
  const host = hostLinkName(attachment);
  for (const network of [attachment.network, untoldNetwork(linkGroup(attachment.network))]) {
    const entry = await deleting(store, untoldAttachment(host, network));
    if (entry) return entry;
  }
  return undefined;
}
