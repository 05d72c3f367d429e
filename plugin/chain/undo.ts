/** What plugins after another one did, undone from what the store remembers of it: by their own DEL, or by that of the other. */

import type { Attachment } from "../../conf/attachment.ts";
import { Kernel } from "../../kernel/kernel.ts";
import { identityIn, openIfPresent, openIfSame } from "../../kernel/namespace.ts";
import { undoAll } from "../../step/commit.ts";
import { goesWithLast, type Step } from "../../step/index.ts";
import type { ChainedRecord } from "../../store/entry.ts";
import { bootId } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { closeNetns, type Netns } from "../../sys/netns.ts";
import defer * as ingressPolicies from "../shared/ingressPolicies.ts";

/** Of plugins whose DEL never came: they were taken out of the list while the container ran, or nobody calls DEL at all. */
export function undoChained(attachment: Attachment, netns: string, store: Store): Error[] {
  return undoRecorded(store.chainedRecords(attachment), netns, store);
}

const hostAlone = () => undefined;

/** Undoes and forgets what such plugins did to one attachment. */
export function undoRecorded(all: readonly ChainedRecord[], netns: string, store: Store): Error[] {
  const errors = all.flatMap((later) => {
    const found = undoOne(later, netns);
    if (found.length === 0) store.forget(later);
    return found;
  });
  const isShared = all.some(({ steps }) => (steps as readonly Step[]).some(goesWithLast));
  if (errors.length > 0 || !isShared) return errors;
  return withKernel(hostAlone, (kernel) => {
    ingressPolicies.removePoliciesWith(all[0]!.attachment, store, kernel);
    return [];
  });
}

/** What was done in the container is undone only in the namespace that it was done in. */
function undoOne(later: ChainedRecord, told: string): Error[] {
  const steps = later.steps as readonly Step[];
  const container = () => namespaceOf(later, told);
  return withKernel(container, (kernel) => undoAll([...steps].reverse(), kernel));
}

function namespaceOf(later: ChainedRecord, told: string) {
  // One that an earlier version remembered says of no namespace; nobody has a namespace of an earlier boot.
  const isAny = later.netnsInode === 0n;
  if (!isAny && later.bootId !== bootId()) return undefined;
  for (const path of [told, later.netnsPath]) {
    const netns = isAny ? openIfPresent(path) : openIfSame(path, identityIn(later));
    if (netns) return netns;
  }
  return undefined;
}

/** Closes both; what either throws is among what it answers. */
export function withKernel(open: () => Netns | undefined, work: (kernel: Kernel) => Error[]): Error[] {
  let netns: Netns | undefined;
  let kernel: Kernel | undefined;
  try {
    netns = open();
    kernel = new Kernel(netns);
    return work(kernel);
  } catch (error) {
    return [error as Error];
  } finally {
    kernel?.close();
    if (netns) closeNetns(netns);
  }
}
