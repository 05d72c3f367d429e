/**
 * Whether the namespace tracks connections. The kernel does so for a version of IP as soon as a rule needs it, and the
 * chain type nat alone does not: without such a rule packets pass no nat chain (nf_ct_netns_get in nft_ct.c, nft_nat.c).
 */

import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { match } from "../../netlink/nft/expr/match.ts";
import { family as tableFamily } from "../../netlink/nft/message.ts";
import { natRead, target } from "../../netlink/nft/read/expressions.ts";
import type { Ruleset } from "../../netlink/nft/read/ruleset.ts";

const known = new WeakMap<Ruleset, Map<number, boolean>>();

/** `family`: 2 IPv4, 10 IPv6. Reads rules until one is found that needs it, those of tables with nat chains first. */
export function tracksConnections(ruleset: Ruleset, family: number): boolean {
  const answers = known.get(ruleset) ?? new Map<number, boolean>();
  known.set(ruleset, answers);
  let answer = answers.get(family);
  if (answer === undefined) {
    answer = search(ruleset, family);
    answers.set(family, answer);
  }
  return answer;
}

function search(ruleset: Ruleset, family: number): boolean {
  const own = ruleset.chains.filter((chain) => chain.family === family || chain.family === tableFamily.inet);
  const isNat = (table: string) => own.some((chain) => chain.table === table && chain.base?.type === "nat");
  const natTables = new Set(own.map(({ table }) => table).filter(isNat));
  const first = own.filter(({ table }) => natTables.has(table));
  const others = own.filter(({ table }) => !natTables.has(table));
  return [...first, ...others].some((chain) =>
    ruleset
      .rules(chain)
      .some(({ expressions = [] }) => expressions.some((one) => needsTracking(one as Expression, family))),
  );
}

const always = ["ct", "masq", "redir", "connlimit", "notrack", "flow_offload"];
const matches = ["conntrack", "state", "connmark", "connlimit", "connbytes", "connlabel", "helper", "cluster"];
const targets = ["MASQUERADE", "SNAT", "DNAT", "REDIRECT", "NETMAP", "CONNMARK", "CT", "SYNPROXY", "CONNSECMARK"];

function needsTracking({ name, data }: Expression, family: number): boolean {
  if (always.includes(name)) return true;
  if (name === "nat") return (natRead.get(data).family ?? family) === family;
  if (name === "match") return matches.includes(match.get(data).name ?? "");
  return name === "target" && targets.includes(target.get(data).name ?? "");
}
