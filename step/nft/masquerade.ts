/**
 * Masquerade for a network: one base chain of our table, with a rule per subnet and none per container. A nat chain sees
 * only the first packet of a connection, so a connection costs a comparison or two. The chain's name contains a hash of
 * the subnets: if it has all its rules, they are right, and nothing is written. The rules of an earlier version are one
 * fewer.
 */

import { type Cidr, parseCidr } from "../../ip/address.ts";
import { masqueradeChain, nftTable } from "../../kernel/ownership.ts";
import { getChain } from "../../netlink/nft/chain.ts";
import { countRules } from "../../netlink/nft/rule.ts";
import { type AnyStep, isStep, type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";
import defer * as rules from "./masqueradeRules.ts";
import { table, tableComment } from "./table.ts";

export interface MasqueradeStep {
  readonly kind: "masquerade";
  readonly network: string;
  /** CIDR, host bits clear. */
  readonly subnets: readonly string[];
}

function chainOf({ network, subnets }: MasqueradeStep) {
  const cidrs: Cidr[] = [];
  for (const subnet of subnets) cidrs.push(parseCidr(subnet)!);
  return { chain: masqueradeChain(network, cidrs), cidrs };
}

export const masquerade: Kind<MasqueradeStep> = {
  rules: {
    missing(step, kernel) {
      const { chain, cidrs } = chainOf(step);
      return countRules(kernel.netfilter, table, chain) > cidrs.length ? [] : rules.rulesOf(step.network, chain, cidrs);
    },
    replacing(step) {
      const { chain, cidrs } = chainOf(step);
      return rules.rulesOf(step.network, chain, cidrs);
    },
  },

  check(step, kernel) {
    const { chain, cidrs } = chainOf(step);
    if (!getChain(kernel.netfilter, table, chain)) return missing(`nf_tables chain ${chain} in table inet ${nftTable}`);
    return rules.missingMasquerade(kernel, chain, cidrs);
  },

  given: () => ({ isMasqueraded: true }),

  reason: () => "Packets to the outside get the host's address (NAT), so that answers find the way back.",

  print(step, { kernel }) {
    const { chain, cidrs } = chainOf(step);
    if (kernel && masquerade.check(step, kernel).length === 0) return [];
    const exists = kernel && getChain(kernel.netfilter, table, chain) !== undefined;
    return [
      `nft add table inet ${nftTable} '{ comment "${tableComment}"; }'`,
      `nft add chain inet ${nftTable} ${chain} '{ type nat hook postrouting priority srcnat; comment "network ${step.network}"; }'`,
      ...(exists ? [`nft flush chain inet ${nftTable} ${chain}`] : []),
      ...rules.rulesIn(chain, cidrs).map((rule, i) => {
        const comment = i === 0 ? "" : ` comment "${step.network}"`;
        return `nft ${shellWord(`add rule inet ${nftTable} ${chain} ${rules.textOf(rule)}${comment}`)}`;
      }),
    ];
  },
};

/** The subnets that a step masquerades; none for a step of another kind. */
export function masqueradedBy(step: AnyStep): readonly string[] {
  return isStep<MasqueradeStep>("masquerade", step) ? step.subnets : [];
}
