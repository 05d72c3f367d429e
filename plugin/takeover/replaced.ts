/** While ns-net was uninstalled, the reference may have deleted a container of ours, and attached one of the same name. */
import { findHostLink } from "../../kernel/hostLink.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Entry } from "../../store/entry.ts";
import { evidence } from "../liveness/evidence.ts";
import { livenessOf, mayLive } from "../liveness/liveness.ts";
import { hasVeth } from "../removal/entrySteps.ts";

/**
 * For an entry of ours that has a reservation in host-local: true if that is of such a container. The namespace says
 * nothing, because a pod's is the same for both, with an interface of the same name.
 */
export function isReplaced(entry: Entry, kernel: Kernel): boolean {
  if (entry.state !== "attached") return false;
  kernel.forget("host", entry.hostLink);
  const hasHostLink = findHostLink(entry.hostLink, kernel) !== undefined;
  if (hasVeth(entry)) return !hasHostLink;
  return !mayLive(
    livenessOf(
      entry,
      evidence(kernel, () => hasHostLink),
    ),
  );
}
