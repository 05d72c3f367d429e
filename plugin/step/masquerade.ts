/**
 * Masquerade for a network: one base chain of our table, one rule a subnet, nothing a container. A nat chain sees only
 * the first packet of a connection, so the cost is a comparison or two a connection, however many containers there are.
 * The chain's name carries a hash of the subnets: where the name stands, the rules are right and nothing is written.
 */
import { type Cidr, formatCidr, parseCidr } from "../../conf/address.ts";
import type { Message } from "../../netlink/message.ts";
import { type BaseChain, getChain, hook, newChain, priority } from "../../netlink/nft/chain.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { expressionText } from "../../netlink/nft/expr/index.ts";
import { masquerade as masqueradeExpression } from "../../netlink/nft/expr/masquerade.ts";
import { matchAddress, matchProtocolOf } from "../../netlink/nft/match.ts";
import { family } from "../../netlink/nft/message.ts";
import { flushChain, listRules, newRule } from "../../netlink/nft/rule.ts";
import { newTable, type Table } from "../../netlink/nft/table.ts";
import { addressBytes, masqueradeChain, nftTable } from "../names.ts";
import { type Kind, missing } from "./step.ts";

export interface MasqueradeStep {
  readonly kind: "masquerade";
  readonly network: string;
  /** CIDR, host bits clear. */
  readonly subnets: readonly string[];
}

export const table: Table = { family: family.inet, name: nftTable };
export const tableComment = "made by ns-net";

const base: BaseChain = { type: "nat", hook: hook.postrouting, priority: priority.sourceNat };

/** RFC 5771, RFC 4291: multicast keeps its source. */
const multicast = { 4: "224.0.0.0/4", 6: "ff00::/8" } as const;

/** `ip saddr SUBNET ip daddr != SUBNET ip daddr != 224.0.0.0/4 masquerade` */
function ruleFor(subnet: Cidr): Expression[] {
  const prefix = { address: addressBytes(subnet), length: subnet.prefixLength };
  const group = parseCidr(multicast[subnet.family])!;
  return [
    ...matchProtocolOf(prefix.address),
    ...matchAddress("source", prefix),
    ...matchAddress("destination", prefix, false),
    ...matchAddress("destination", { address: addressBytes(group), length: group.prefixLength }, false),
    masqueradeExpression,
  ];
}

function chainOf({ network, subnets }: MasqueradeStep) {
  const cidrs = subnets.map((subnet) => parseCidr(subnet)!);
  return { chain: masqueradeChain(network, cidrs), cidrs };
}

function rulesOf(step: MasqueradeStep): Message[] {
  const { chain, cidrs } = chainOf(step);
  const messages = [
    newTable(table, tableComment),
    newChain(table, chain, base, `network ${step.network}`),
    flushChain(table, chain), // of another ADD that was first
  ];
  for (const subnet of cidrs) messages.push(newRule(table, chain, ruleFor(subnet), step.network));
  return messages;
}

export const masquerade: Kind<MasqueradeStep> = {
  pending: (step, kernel) => (getChain(kernel.netfilter, table, chainOf(step).chain) ? [] : rulesOf(step)),

  rules: rulesOf,

  check(step, kernel) {
    const { chain, cidrs } = chainOf(step);
    if (!getChain(kernel.netfilter, table, chain)) return missing(`nf_tables chain ${chain} in table inet ${nftTable}`);
    const expected = cidrs.map((subnet) => shape(ruleFor(subnet)));
    const found = listRules(kernel.netfilter, table, chain).map((rule) =>
      shape((rule.expressions ?? []) as Expression[]),
    );
    return expected.flatMap((rule, i) =>
      found.includes(rule) ? [] : missing(`masquerade rule for ${formatCidr(cidrs[i]!)}`),
    );
  },

  print(step) {
    const { chain, cidrs } = chainOf(step);
    return [
      `nft add table inet ${nftTable} '{ comment "${tableComment}"; }'`,
      `nft add chain inet ${nftTable} ${chain} '{ type nat hook postrouting priority srcnat; comment "network ${step.network}"; }'`,
      ...cidrs.map((cidr) => {
        const [ip, text] = [cidr.family === 4 ? "ip" : "ip6", formatCidr(cidr)];
        return `nft add rule inet ${nftTable} ${chain} ${ip} saddr ${text} ${ip} daddr != ${text} ${ip} daddr != ${multicast[cidr.family]} masquerade comment "${step.network}"`;
      }),
    ];
  },
};

/** A rule's expressions as text, to compare one the kernel tells with one we would write. */
export function shape(expressions: readonly Expression[]): string {
  return expressions.map(expressionText).join("\n");
}
