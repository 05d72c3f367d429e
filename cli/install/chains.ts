/** Makes what the DEL of the reference's bridge looks for, for containers that it did not create. */
import { familyOf, withoutPrefix } from "../../ip/address.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { makeMasqueradeChain } from "../../reference/iptables.ts";
import { givenBy, stepsOf } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";

/**
 * A chain of iptables for each attachment with NAT, in each family that it has. Without it that DEL fails the first time
 * (containernetworking/plugins, pkg/ip/ipmasq_iptables_linux.go). The rules that translate stay those of ns-net.
 */
export function leaveChains(entries: readonly Entry[]): string[] {
  using kernel = openKernel();
  const made: boolean[] = [];
  for (const entry of entries) {
    if (!stepsOf(entry).some((step) => givenBy(step).isMasqueraded)) continue;
    const families = new Set(entry.addresses.map(({ address }) => familyOf(withoutPrefix(address))));
    for (const family of families) made.push(makeMasqueradeChain(entry.attachment, family, kernel));
  }
  if (made.length === 0) return [];
  if (made.includes(false)) return ["made no chains of iptables for the DEL of bridge: there is no such program"];
  return [`made ${made.length === 1 ? "a chain" : `${made.length} chains`} of iptables for the DEL of bridge`];
}
