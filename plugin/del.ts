/**
 * DEL: removes by the attachment's name alone. It needs no namespace, no lease, no `prevResult` and no valid
 * configuration; absent is success; every part is tried, and what failed is reported together.
 */

import { isContainerLink, ownType } from "../conf/pluginType.ts";
import type { DeleteRequest } from "../conf/request.ts";
import { isAllOurs } from "../ipam/hostLocal/adopted.ts";
import { ipamForRelease } from "../ipam/index.ts";
import { type Kernel, openKernel } from "../kernel/kernel.ts";
import { canBeChained, roleOf } from "../plan/types.ts";
import { goesWithLast, type Removal, type Step } from "../step/index.ts";
import { bootId } from "../store/index.ts";
import { Attempts } from "./attempts.ts";
import defer * as chained from "./chain/chained.ts";
import { throwTogether } from "./faults.ts";
import defer * as earlierBoots from "./liveness/earlierBoots.ts";
import { removeAttachment } from "./removal/attachment.ts";
import { type Claimed, claimEntry } from "./removal/claimEntry.ts";
import defer * as ingressPolicies from "./shared/ingressPolicies.ts";
import defer * as find from "./takeover/find.ts";

/** Detaches a container. Throws Fault with every error there was, after all else is done. */
export async function del(request: DeleteRequest): Promise<void> {
  using kernel = openKernel();
  const attempts = new Attempts();
  const claimed = await claimEntry(request, kernel, attempts);
  const { store, entry, isAbsent } = claimed;
  if (!entry) attempts.try(undefined, () => delChained(request, claimed));
  const reference = attempts.try(undefined, () => referenceOf(request, claimed, kernel));
  const hostLink = isAbsent ? "absent" : "delete";
  attempts.all(() => removeAttachment({ ...request, entry, hostLink, reference }, store, kernel));
  sweepEarlierBoots(claimed);
  // While a link may have the address, the lease stays; the runtime calls DEL again.
  if (attempts.errors.length === 0) await attempts.await(() => release(request, claimed, reference));
  if (attempts.errors.length === 0) attempts.try(undefined, () => removeShared(request, claimed, kernel));
  throwTogether(attempts.errors);
}

/** A port of the bridge that another plugin created has no entry, but a record of this plugin as a chained one. */
function delChained({ type = ownType, ...request }: DeleteRequest, { store }: Claimed): void {
  if (!canBeChained(type) || !store?.chainedRecords(request.attachment).some(({ plugin }) => plugin === type)) return;
  chained.delChained({ ...request, type });
}

/** All that the reference's plugins created of the attachment. An entry alone says that it is ours. */
function referenceOf(request: DeleteRequest, { entry, store }: Claimed, kernel: Kernel): Removal | undefined {
  if (isAllOurs(entry)) return undefined;
  const { type = ownType } = request;
  // For another plugin's link, host-local gives back the lease and nothing else; and a veth may be a device that is lent.
  const isLeaseOnly = roleOf(type) === "ipam" || isContainerLink(type);
  const adopted = find.adoptedOf(request, entry, store, isLeaseOnly ? undefined : kernel);
  return adopted && isLeaseOnly ? { ...adopted, part: "lease" } : adopted;
}

/** One entry of an earlier boot is a sign that there are more. */
function sweepEarlierBoots({ entry, store }: Claimed): void {
  if (entry && store && entry.bootId !== bootId()) earlierBoots.sweepEarlierBoots(store);
}

/** An attachment without an entry has none to remove: one that exists by now is another call's. */
async function release(request: DeleteRequest, claimed: Claimed, reference: Removal | undefined): Promise<void> {
  const { entry, store, storedAs } = claimed;
  await ipamForRelease(request, entry).release(request, entry && store);
  if (storedAs) store?.remove(storedAs);
  // host-local of old did not say which interface a reservation is of, and neither does the entry that was made of it.
  if (reference && !entry) store?.remove({ ...request.attachment, ifname: "" });
}

/** The policy of a bridge is shared. It goes with the last attachment, for the next one may come with another policy. */
function removeShared({ attachment }: DeleteRequest, { entry, store }: Claimed, kernel: Kernel): void {
  for (const step of (entry?.steps ?? []) as readonly Step[]) {
    if (!goesWithLast(step)) continue;
    ingressPolicies.removePoliciesWith(attachment, store, kernel);
    return;
  }
}
