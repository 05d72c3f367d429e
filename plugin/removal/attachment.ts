/** Everything that DEL removes of an attachment, in order. */

import type { Attachment } from "../../conf/attachment.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { linkDeletedBy, type Removal } from "../../step/index.ts";

/**
 * What DEL removes: derived from the attachment's name, so that neither a lease nor a namespace nor a configuration is
 * needed, and what it has beside its link. The link comes last: while the kernel waits for those who may still use it,
 * it frees the rules. It waits 20 ms for each request that deletes links, and once for two links in one. `whenAbsent` is
 * called where the host has no such link.
 */
export function removals(attachment: Attachment, traces: readonly Removal[], whenAbsent?: () => void): Removal[] {
  const removed: Removal[] = [];
  let beside: string | undefined;
  for (const trace of traces) {
    const link = linkDeletedBy(trace);
    if (link === undefined) removed.push(trace);
    else beside = link;
  }
  const { network } = attachment;
  const host = hostLinkName(attachment);
  removed.push({ kind: "veth", host, ...(beside && { beside: { link: beside, network } }), whenAbsent });
  return removed;
}
