/**
 * A host that drops what it forwards (Docker makes it one) cuts containers off without a word of ns-net's. Rules of others
 * are not touched; a person is told which chain it is and what would open it. Where a rule may accept what our containers
 * send, nothing is said: a false alarm costs more than a missing one.
 */

import { type Chain, hook, listAllChains } from "../netlink/nft/chain.ts";
import { compare } from "../netlink/nft/expr/compare.ts";
import { type Expression, verdictCode } from "../netlink/nft/expr/expression.ts";
import { isEstablishedOnly } from "../netlink/nft/expr/match.ts";
import { meta, metaKey } from "../netlink/nft/expr/meta.ts";
import { immediate } from "../netlink/nft/expr/verdict.ts";
import { family } from "../netlink/nft/message.ts";
import { listRules } from "../netlink/nft/rule.ts";
import type { Table } from "../netlink/nft/table.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { uplink } from "./facts.ts";
import type { Kernel } from "./kernel.ts";

/** A first packet from a container to the outside. */
interface Packet {
  readonly from: string;
  readonly to: string | undefined;
}

const policyDrop = 0;
const tableWords = { [family.inet]: "inet", [family.ipv4]: "ip", [family.ipv6]: "ip6" } as Record<number, string>;

/** What drops the packets that come by `from`, an interface or the beginning of names and `*`, and its cure, a sentence each chain. Empty also where nothing can be asked. */
export function forwardBlockers(from: string, hasIpv6: boolean, kernel: Kernel): string[] {
  const packet = { from: from.replace("*", "0"), to: uplink(kernel)?.name };
  const families: number[] = [family.inet, family.ipv4, ...(hasIpv6 ? [family.ipv6] : [])];
  const found: string[] = [];
  for (const { family: number, chain } of listAllChains(kernel.netfilter)) {
    const { name = "", table: tableName = "" } = chain;
    const table = { family: number, name: tableName };
    if (!families.includes(number) || !drops(chain)) continue;
    if (!mayAccept(kernel.netfilter, table, name, packet, new Set())) found.push(sentence(table, name, from));
  }
  return found;
}

/** For STATUS, the first ADD of a network and calls by hand: on standard error, since ADD is served all the same. */
export function tellBlockers(from: string, hasIpv6: boolean, kernel: Kernel): void {
  try {
    for (const text of forwardBlockers(from, hasIpv6, kernel)) process.stderr.write(`ns-net: ${text}\n`);
  } catch {
    // No nf_tables, no chain that drops; and a hint must not fail what it is about.
  }
}

function drops({ hook: at, policy }: Chain): boolean {
  return at?.number === hook.forward && policy === policyDrop;
}

function mayAccept(socket: NetlinkSocket, table: Table, chain: string, packet: Packet, seen: Set<string>): boolean {
  if (seen.has(chain)) return false;
  seen.add(chain);
  for (const { expressions = [] } of listRules(socket, table, chain)) {
    const rule = expressions as readonly Expression[];
    if (!mayConcern(rule, packet)) continue;
    if (rule.some(({ name }) => name === "lookup")) return true; // a map may lead anywhere
    for (const { name, data } of rule) {
      const verdict = name === "immediate" ? immediate.get(data).data?.verdict : undefined;
      if (verdict?.code === verdictCode.accept) return true;
      if (verdict?.chain && mayAccept(socket, table, verdict.chain, packet, seen)) return true;
    }
  }
  return false;
}

/** False where the rule names another interface, or is for replies only. */
function mayConcern(rule: readonly Expression[], { from, to }: Packet): boolean {
  let link: string | undefined;
  let isLink = false;
  for (const { name, data } of rule) {
    if (name === "match" && isEstablishedOnly(data)) return false;
    if (name === "meta") {
      const { key } = meta.get(data);
      isLink = key === metaKey.inName || key === metaKey.outName;
      link = key === metaKey.inName ? from : to;
    } else if (name === "cmp" && isLink) {
      const { operator = 0, data: value } = compare.get(data);
      const isNamed = isNameOf(value?.value ?? new Uint8Array(0), link);
      if (isNamed !== (operator === 0)) return false;
      isLink = false;
    } else isLink = false;
  }
  return true;
}

/** `br0`, or with a wildcard the beginning of a name, then without the closing NUL. */
function isNameOf(value: Uint8Array, name: string | undefined): boolean {
  const [text = ""] = Buffer.from(value).toString("latin1").split("\0");
  return value.includes(0) ? name === text : name?.startsWith(text) === true;
}

function sentence({ family: number, name: table }: Table, chain: string, from: string): string {
  const words = tableWords[number];
  const cure =
    table === "filter" && chain === "FORWARD" && number !== family.inet
      ? [`-i ${from} -j ACCEPT`, `-o ${from} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`].map(
          (rest) => `${words}tables -I FORWARD ${rest.replace("*", "+")}`,
        )
      : [`iifname '"${from}"' accept`, `oifname '"${from}"' ct state established,related accept`].map(
          (rest) => `nft insert rule ${words} ${table} ${chain} ${rest}`,
        );
  return `chain ${chain} of nf_tables table ${words} ${table} drops what this host forwards, and none of its rules accepts what comes by ${from}: containers reach no other network. Name the plugin firewall after this one, or run: ${cure.join(" && ")}`;
}
