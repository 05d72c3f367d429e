/**
 * A host that drops forwarded packets (Docker sets this policy) cuts containers off. ns-net leaves the rules of others
 * alone, and reports which chain drops and what would open it. Where a rule may accept what our containers
 * send, nothing is said: a false alarm costs more than a missing one.
 */

import type { Kernel } from "../../kernel/kernel.ts";
import { uplink } from "../../kernel/routes.ts";
import { type Chain, hook, listAllChains } from "../../netlink/nft/chain.ts";
import { listElements } from "../../netlink/nft/element.ts";
import { bitwise } from "../../netlink/nft/expr/bitwise.ts";
import { compare } from "../../netlink/nft/expr/compare.ts";
import { connectionState, conntrack, conntrackKey } from "../../netlink/nft/expr/conntrack.ts";
import { type Expression, verdictCode } from "../../netlink/nft/expr/expression.ts";
import { isInverted, lookup } from "../../netlink/nft/expr/lookup.ts";
import { isEstablishedOnly } from "../../netlink/nft/expr/match.ts";
import { meta, metaKey } from "../../netlink/nft/expr/meta.ts";
import { immediate } from "../../netlink/nft/expr/verdict.ts";
import { family } from "../../netlink/nft/message.ts";
import { listRules } from "../../netlink/nft/rule.ts";
import type { Table } from "../../netlink/nft/table.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";
import { readText } from "../../sys/files.ts";

/** A first packet from a container to the outside. */
interface Packet {
  readonly from: string;
  readonly to: string | undefined;
}

const policyDrop = 0;
const tableWords = { [family.inet]: "inet", [family.ipv4]: "ip", [family.ipv6]: "ip6" } as Record<number, string>;

/** One sentence, with a cure, for each chain that drops packets from `from` (an interface, or a prefix of names with `*`). Empty also if the kernel cannot be asked. */
function forwardBlockers(from: string, hasIpv6: boolean, kernel: Kernel): string[] {
  const packet = { from: from.replace("*", "0"), to: uplink(kernel)?.name };
  const families: number[] = [family.inet, family.ipv4, ...(hasIpv6 ? [family.ipv6] : [])];
  const found: string[] = [];
  for (const { family: number, chain } of listAllChains(kernel.netfilter)) {
    const { name = "", table: tableName = "" } = chain;
    const table = { family: number, name: tableName };
    if (!families.includes(number) || !isForward(chain)) continue;
    const outcome = outcomeOf(kernel.netfilter, table, name, packet, new Set());
    if (outcome === "drops" || (outcome === undefined && chain.policy === policyDrop))
      found.push(sentence(table, name, from));
  }
  return [...found, ...kernel.at<string[]>("host", () => olderTables(hasIpv6))];
}

/** Tables of iptables-legacy. Netlink does not show their rules. */
function olderTables(hasIpv6: boolean): string[] {
  return ["ip", ...(hasIpv6 ? ["ip6"] : [])].flatMap((ip) => {
    if (!namesIn(`/proc/thread-self/net/${ip}_tables_names`).includes("filter")) return [];
    const see = `${ip}tables-legacy -S FORWARD`;
    return [
      `the older tables of ${ip}tables are in use on this host, and ns-net cannot see whether they drop what it forwards, nor can its firewall open them. See: ${see}`,
    ];
  });
}

function namesIn(path: string): string[] {
  try {
    return readText(path).split("\n");
  } catch {
    return []; // the kernel has none
  }
}

/** For STATUS, the first ADD of a network and calls by hand: on standard error, since ADD is served all the same. */
export function hintAtBlockers(from: string, hasIpv6: boolean, kernel: Kernel): void {
  try {
    for (const text of forwardBlockers(from, hasIpv6, kernel)) kernel.stderr(`ns-net: ${text}\n`);
  } catch {
    // Without nf_tables there is no chain that drops. And a hint must not fail the call.
  }
}

function isForward({ hook: at }: Chain): boolean {
  return at?.number === hook.forward;
}

/** A verdict about the packet: certainly dropped, possibly accepted, or neither. */
type Outcome = "drops" | "mayAccept" | undefined;

/** In the order of the rules, so an accepting rule after a dropping one does not count. */
function outcomeOf(socket: NetlinkSocket, table: Table, chain: string, packet: Packet, seen: Set<string>): Outcome {
  if (seen.has(chain)) return undefined;
  seen.add(chain);
  for (const { expressions = [] } of listRules(socket, table, chain)) {
    const rule = expressions as readonly Expression[];
    const keysOf = (set: string) => listElements(socket, table, set).map(({ key }) => key);
    if (isOfLaterPackets(rule, keysOf) || !mayConcern(rule, packet)) continue;
    const outcome = ofRule(socket, table, rule, packet, seen);
    if (outcome === "mayAccept" || (outcome === "drops" && concernsAll(rule))) return outcome;
  }
  return undefined;
}

function ofRule(
  socket: NetlinkSocket,
  table: Table,
  rule: readonly Expression[],
  packet: Packet,
  seen: Set<string>,
): Outcome {
  const isMap = ({ name, data }: Expression) => name === "lookup" && lookup.get(data).destination !== undefined;
  if (rule.some(isMap)) return "mayAccept"; // it may lead anywhere
  for (const { name, data } of rule) {
    if (name === "reject") return "drops";
    const verdict = name === "immediate" ? immediate.get(data).data?.verdict : undefined;
    if (verdict?.code === verdictCode.accept) return "mayAccept";
    if (verdict?.code === verdictCode.drop) return "drops";
    if (verdict?.chain) return outcomeOf(socket, table, verdict.chain, packet, seen);
  }
  return undefined;
}

/** True for a rule whose only conditions are interfaces, which mayConcern() has checked. */
function concernsAll(rule: readonly Expression[]): boolean {
  let isLink = false;
  for (const { name, data } of rule) {
    if (name === "meta") {
      const { key } = meta.get(data);
      isLink = key === metaKey.inName || key === metaKey.outName;
      if (!isLink) return false;
    } else if (name === "cmp" ? !isLink : !["counter", "log", "reject", "immediate"].includes(name)) return false;
  }
  return true;
}

/** False if the rule names another interface, or matches only replies by the `match` of iptables. */
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

/**
 * `ct state established,related` or `ct status dnat`: a load, a mask without the bit of a new connection, and a result
 * other than zero; or `ct state { established, related }`, a set without it. A first packet has no status except that
 * of a published port, which a container's packet to the outside does not have.
 */
function isOfLaterPackets(rule: readonly Expression[], keysOf: (set: string) => readonly Uint8Array[]): boolean {
  return rule.some(({ name, data }, at) => {
    const [mask, comparison] = [rule[at + 1], rule[at + 2]];
    const key = name === "ct" ? conntrack.get(data).key : undefined;
    if (key !== conntrackKey.state && key !== conntrackKey.status) return false;
    const hasNew = (bits: Uint8Array | undefined) => ((bits?.[0] ?? connectionState.new) & connectionState.new) !== 0;
    if (mask?.name === "lookup") {
      const { set = "", destination } = lookup.get(mask.data);
      const isInSet = destination === undefined && !isInverted(mask.data);
      return isInSet && key === conntrackKey.state && !keysOf(set).some(hasNew);
    }
    if (mask?.name !== "bitwise" || comparison?.name !== "cmp") return false;
    const isLater = key === conntrackKey.status || !hasNew(bitwise.get(mask.data).mask?.value);
    return isLater && compare.get(comparison.data).operator === notEqual;
  });
}

/** NFT_CMP_NEQ. */
const notEqual = 1;

/** `br0`, or with a wildcard the beginning of a name, then without the closing NUL. */
function isNameOf(value: Uint8Array, name: string | undefined): boolean {
  const [text = ""] = Buffer.from(value).toString("latin1").split("\0");
  return value.includes(0) ? name === text : name?.startsWith(text) === true;
}

/** The commands by which packets of `from`, and the answers to them, pass a chain. */
export function opening(table: Table, chain: string, from: string): string {
  return openingBy(table, chain, from, {
    iptables: [`-i ${from} -j ACCEPT`, `-o ${from} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`],
    nft: [`iifname '"${from}"' accept`, `oifname '"${from}"' ct state established,related accept`],
  });
}

/** The commands by which packets to published ports behind `to`, and the answers to them, pass a chain. */
export function openingForPorts(table: Table, chain: string, to: string): string {
  return openingBy(table, chain, to, {
    iptables: [
      `-o ${to} -m conntrack --ctstate DNAT -j ACCEPT`,
      `-i ${to} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    ],
    nft: [`oifname '"${to}"' ct status dnat accept`, `iifname '"${to}"' ct state established,related accept`],
  });
}

interface Rules {
  readonly iptables: readonly string[];
  readonly nft: readonly string[];
}

function openingBy(table: Table, chain: string, link: string, { iptables, nft }: Rules): string {
  const words = tableWords[table.family];
  if (table.name === "firewalld") return firewalldOpening(link);
  const rules = isIptables(table, chain)
    ? iptables.map((rest) => `${words}tables -I ${chain} ${rest.replace("*", "+")}`)
    : nft.map((rest) => `nft insert rule ${words} ${table.name} ${chain} ${rest}`);
  return rules.join(" && ");
}

/** The command by which packets between the containers of one bridge pass a chain, to which br_netfilter hands them. */
export function openingWithin(table: Table, chain: string, bridge: string): string {
  const words = tableWords[table.family];
  if (table.name === "firewalld") return firewalldOpening(bridge);
  if (isIptables(table, chain)) return `${words}tables -I ${chain} -i ${bridge} -o ${bridge} -j ACCEPT`;
  return `nft insert rule ${words} ${table.name} ${chain} iifname '"${bridge}"' oifname '"${bridge}"' accept`;
}

/** iptables has capitals in the names of chains, and nft(8) may change those of iptables-nft, too. */
const isIptables = ({ family: number, name }: Table, chain: string) =>
  name === "filter" && number !== family.inet && chain === chain.toUpperCase();

function sentence(table: Table, chain: string, from: string): string {
  if (table.name === "firewalld") return firewalldSentence(from);
  return `chain ${chain} of nf_tables table ${tableWords[table.family]} ${table.name} drops what this host forwards, and none of its rules accepts what comes by ${from}: containers reach no other network. Name the plugin firewall after this one, or run: ${opening(table, chain, from)}`;
}

/** firewalld recreates its rules at each reload, so a rule among them would not last. */
function firewalldOpening(from: string): string {
  const isOne = !from.endsWith("*");
  const zone = `firewall-cmd --zone=trusted --add-interface=${isOne ? from : "INTERFACE"}`;
  return `${zone} && ${zone.replace(" ", " --permanent ")}`;
}

function firewalldSentence(from: string): string {
  return `firewalld rejects what this host forwards, and none of its zones trusts what comes by ${from}: containers reach no other network. Set backend to "firewalld", name the plugin firewall after this one, or run: ${firewalldOpening(from)}`;
}
