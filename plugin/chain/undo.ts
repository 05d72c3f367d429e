/** Undoes the recorded work of chained plugins: for their own DEL, and for the DEL of the interface plugin. */

import type { Attachment } from "../../conf/attachment.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { identityIn, openIfSame } from "../../kernel/namespace.ts";
import { undoAll } from "../../step/commit.ts";
import { goesWithLast, stepsOf } from "../../step/index.ts";
import type { ChainedRecord } from "../../store/entry.ts";
import { bootId } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import type { Netns } from "../../sys/netns.ts";
import defer * as ingressPolicies from "../shared/ingressPolicies.ts";

/** For plugins whose DEL never came, because they were removed from the list while the container ran. */
export function undoChained(attachment: Attachment, netns: string, store: Store, host: Kernel): Error[] {
  return undoRecorded(store.chainedRecords(attachment), netns, store, host);
}

/** Undoes and forgets what such plugins did to one attachment. */
export function undoRecorded(all: readonly ChainedRecord[], netns: string, store: Store, host: Kernel): Error[] {
  const errors = all.flatMap((later) => {
    const found = undoOne(later, netns, host);
    if (found.length === 0) store.forget(later);
    return found;
  });
  const isShared = all.some((one) => stepsOf(one).some(goesWithLast));
  if (errors.length > 0 || !isShared) return errors;
  return inContainer(
    host,
    () => undefined,
    (kernel) => {
      ingressPolicies.removePoliciesWith(all[0]!.attachment, store, kernel);
      return [];
    },
  );
}

/** Changes in the container are undone only in the namespace in which they were made. */
function undoOne(later: ChainedRecord, reported: string, host: Kernel): Error[] {
  const steps = stepsOf(later);
  const container = () => namespaceOf(later, reported);
  return inContainer(host, container, (kernel) => undoAll([...steps].reverse(), kernel));
}

function namespaceOf(later: ChainedRecord, reported: string): Netns | undefined {
  if (later.bootId !== bootId()) return undefined; // namespaces of an earlier boot are gone
  for (const path of [reported, later.netnsPath]) {
    const netns = openIfSame(path, identityIn(later));
    if (netns) return netns;
  }
  return undefined;
}

/** Opens a container of the same host and does `work` there. Errors of both are in the answer. */
export function inContainer(host: Kernel, open: () => Netns | undefined, work: (kernel: Kernel) => Error[]): Error[] {
  try {
    using kernel = host.withContainer(open());
    return work(kernel);
  } catch (error) {
    return [error as Error];
  }
}
