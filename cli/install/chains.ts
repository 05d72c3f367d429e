/** Makes what the DEL of the reference's bridge looks for, for containers that it did not create. */
import { familyOf, withoutPrefix } from "../../ip/address.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { makeMasqueradeChain } from "../../reference/iptables.ts";
import { givenBy, stepsOf } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import type { LeftChain } from "./left.ts";

/**
 * A chain of iptables for each attachment with NAT, in each family that it has. Without it that DEL fails the first time
 * (containernetworking/plugins, pkg/ip/ipmasq_iptables_linux.go). The rules that translate stay those of ns-net.
 */
export function leaveChains(entries: readonly Entry[]): { readonly chains: LeftChain[]; readonly said: string[] } {
  using kernel = openKernel();
  const wanted: LeftChain[] = [];
  for (const { attachment, addresses, ...rest } of entries) {
    if (!stepsOf(rest).some((step) => givenBy(step).isMasqueraded)) continue;
    const families = new Set(addresses.map(({ address }) => familyOf(withoutPrefix(address))));
    for (const family of families) wanted.push({ attachment, family });
  }
  const chains = wanted.filter(({ attachment, family }) => makeMasqueradeChain(attachment, family, kernel));
  if (wanted.length === 0) return { chains, said: [] };
  if (chains.length < wanted.length)
    return { chains, said: ["made no chains of iptables for the DEL of bridge: there is no such program"] };
  const many = chains.length === 1 ? "a chain" : `${chains.length} chains`;
  return { chains, said: [`made ${many} of iptables for the DEL of bridge`] };
}
