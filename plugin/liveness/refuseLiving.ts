/** Refuses an ADD that would take over the entry of an attachment that is alive. */

import { attachmentText } from "../../conf/attachment.ts";
import { code, deleteFirst, Fault } from "../../conf/fault.ts";
import { findHostLink } from "../../kernel/hostLink.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Entry } from "../../store/entry.ts";
import { evidence } from "./evidence.ts";
import { livenessOf } from "./liveness.ts";

/**
 * Throws Fault if it is alive. Called in the transaction that would take the entry over: of two ADDs at once the second
 * sees what the first has created.
 */
export function refuseLiving(entry: Entry, kernel: Kernel): void {
  const look = evidence(kernel, ({ hostLink }) => {
    kernel.forget("host", hostLink); // another ADD may have created it since this one looked
    return findHostLink(hostLink, kernel) !== undefined;
  });
  const { is, because } = livenessOf(entry, look);
  if (is !== "alive") return;
  throw new Fault(
    code.environment,
    `Cannot attach ${attachmentText(entry.attachment)}: it is attached already, in the namespace ${entry.netnsPath} (${because})`,
    deleteFirst,
  );
}
