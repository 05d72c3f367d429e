/** While ns-net was uninstalled, the reference may have deleted a container of ours, and attached one of the same name. */
import { withoutPrefix } from "../../ip/address.ts";
import { findHostLink } from "../../kernel/hostLink.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Entry } from "../../store/entry.ts";
import { evidence } from "../liveness/evidence.ts";
import { livenessOf, mayLive } from "../liveness/liveness.ts";
import { hasVeth } from "../removal/entrySteps.ts";

/**
 * For an entry of ours that has reservations in host-local: true if those are of such a container. The namespace says
 * nothing, because a pod's is the same for both, with an interface of the same name. `reserved`: without prefix length.
 */
export function isReplaced(entry: Entry, reserved: readonly string[], kernel: Kernel): boolean {
  if (entry.state !== "attached") return false;
  kernel.forget("host", entry.hostLink);
  const hasHostLink = findHostLink(entry.hostLink, kernel) !== undefined;
  if (hasVeth(entry)) return !hasHostLink;
  const leased = new Set(entry.addresses.map(({ address }) => withoutPrefix(address)));
  return (
    reserved.some((address) => !leased.has(address)) ||
    !mayLive(
      livenessOf(
        entry,
        evidence(kernel, () => hasHostLink),
      ),
    )
  );
}
