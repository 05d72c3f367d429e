/**
 * DEL: removes by the attachment's name alone. It needs no namespace, no lease, no `prevResult` and no valid
 * configuration. Absent is success. It tries every part, and reports all errors together.
 */

import type { Call } from "../conf/call.ts";
import { isContainerLink, ownType } from "../conf/pluginType.ts";
import type { DeleteRequest } from "../conf/request.ts";
import { isAllOurs } from "../ipam/hostLocal/adopted.ts";
import { ipamForRelease } from "../ipam/index.ts";
import { type Kernel, openKernel } from "../kernel/kernel.ts";
import { canBeChained, roleOf } from "../plan/types.ts";
import { goesWithLast, type Removal, stepsOf } from "../step/index.ts";
import { bootId } from "../store/index.ts";
import { Attempts } from "./attempts.ts";
import defer * as chained from "./chain/chained.ts";
import { throwTogether } from "./faults.ts";
import defer * as earlierBoots from "./liveness/earlierBoots.ts";
import { hostLinksOf, removeAttachment } from "./removal/attachment.ts";
import { type Claimed, claimEntry } from "./removal/claimEntry.ts";
import type { Leaving } from "./removal/leaving.ts";
import defer * as ingressPolicies from "./shared/ingressPolicies.ts";
import defer * as find from "./takeover/find.ts";

/** Detaches a container. Throws Fault with every error there was, after all else is done. */
export async function del(request: DeleteRequest, call: Call): Promise<void> {
  using kernel = openKernel({ host: call.namespace, stderr: call.stderr });
  const attempts = new Attempts();
  const claimed = await claimEntry(request, kernel, attempts);
  const { store, entry, isAbsent } = claimed;
  if (!entry) attempts.try(undefined, () => delChained(request, claimed, call));
  const reference = attempts.try(undefined, () => referenceOf(request, claimed, kernel));
  const leaving: Leaving = { ...request, entry, hostLink: isAbsent ? "absent" : "delete", reference };
  const deletedLinks = isAbsent ? undefined : await attempts.tryAsync(() => deleteTogether(leaving, call));
  attempts.all(() => removeAttachment({ ...leaving, deletedLinks }, store, kernel));
  sweepEarlierBoots(claimed);
  // While a link may have the address, the lease stays; the runtime calls DEL again.
  if (attempts.errors.length === 0) await attempts.tryAsync(() => release(request, call, claimed, reference));
  if (attempts.errors.length === 0) attempts.try(undefined, () => removeShared(request, claimed, kernel));
  throwTogether(attempts.errors);
}

/** In a process that serves several calls, links that leave at the same time are deleted by one request. */
async function deleteTogether(leaving: Leaving, { deleteLinks }: Call): Promise<ReadonlySet<string> | undefined> {
  return deleteLinks?.(leaving.attachment.network, hostLinksOf(leaving));
}

/** If the bridge's port is another plugin's interface, there is no entry, but a record of this plugin as a chained one. */
function delChained({ type = ownType, ...request }: DeleteRequest, { store }: Claimed, call: Call): void {
  if (!canBeChained(type) || !store?.chainedRecords(request.attachment).some(({ plugin }) => plugin === type)) return;
  chained.delChained({ ...request, type }, call);
}

/** Finds what the reference's plugins created of the attachment. Undefined if its entry says that all of it is ours. */
function referenceOf(request: DeleteRequest, { entry, store }: Claimed, kernel: Kernel): Removal | undefined {
  if (isAllOurs(entry)) return undefined;
  const { type = ownType } = request;
  // Called as host-local, ns-net frees only the lease. An interface in the container may be a host device.
  const isLeaseOnly = roleOf(type) === "ipam" || isContainerLink(type);
  const adopted = find.adoptedOf(request, entry, store, isLeaseOnly ? undefined : kernel);
  return adopted && isLeaseOnly ? { ...adopted, part: "lease" } : adopted;
}

/** An entry of an earlier boot is a sign that there are more. */
function sweepEarlierBoots({ entry, store }: Claimed): void {
  if (entry && store && entry.bootId !== bootId()) earlierBoots.sweepEarlierBoots(store);
}

/** Removes an entry only if it was claimed: one that exists now and did not before is of another call. */
async function release(
  request: DeleteRequest,
  call: Call,
  claimed: Claimed,
  reference: Removal | undefined,
): Promise<void> {
  const { entry, store, storedAs } = claimed;
  await ipamForRelease(request, entry).release(request, entry && store, call);
  if (storedAs) store?.remove(storedAs);
  // A reservation of an old host-local does not contain the interface, and so its entry does not either.
  if (reference && !entry) store?.remove({ ...request.attachment, ifname: "" });
}

/** The policy of a bridge goes with its last attachment: the next one may come with another policy. */
function removeShared({ attachment }: DeleteRequest, { entry, store }: Claimed, kernel: Kernel): void {
  for (const step of stepsOf(entry)) {
    if (!goesWithLast(step)) continue;
    ingressPolicies.removePoliciesWith(attachment, store, kernel);
    return;
  }
}
