/** Which base chains a packet meets at a hook, and in which order. net/netfilter/core.c, nf_hook_entries_grow. */
import { family as tableFamily } from "../../netlink/nft/message.ts";
import type { Ruleset } from "../../netlink/nft/read/ruleset.ts";
import { familyNetdev, type ReadChain } from "../../netlink/nft/read/tables.ts";

/** NF_INET_*, NF_BR_*: the same numbers. */
export const hook = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
/** NF_NETDEV_*; and NF_INET_INGRESS, by which inet has the same hook. */
export const netdevHook = { ingress: 0, egress: 1 } as const;
const inetIngress = 5;

export const isIpFamily = (family: number): boolean => family === tableFamily.ipv4 || family === tableFamily.ipv6;

/** `family`: NFPROTO_* of the hook. `link`: the link of a hook of netdev. Among those of equal priority the newest comes first. */
export function chainsAt(ruleset: Ruleset, family: number, hookNumber: number, link?: string): ReadChain[] {
  const tableHandle = (chain: ReadChain) =>
    ruleset.tables.find(({ family: own, name }) => own === chain.family && name === chain.table)?.handle ?? 0n;
  return liveChains(ruleset)
    .filter((chain) => isAt(chain, family, hookNumber, link))
    .sort(
      (a, b) =>
        a.base!.priority - b.base!.priority || Number(tableHandle(b) - tableHandle(a)) || Number(b.handle - a.handle),
    );
}

function isAt({ family: own, base }: ReadChain, family: number, hookNumber: number, link: string | undefined): boolean {
  if (family === familyNetdev) {
    const isInetIngress = own === tableFamily.inet && base!.hook === inetIngress && hookNumber === netdevHook.ingress;
    const isHook = isInetIngress || (own === familyNetdev && base!.hook === hookNumber);
    return isHook && base!.devices.some((device) => isDevice(device, link ?? ""));
  }
  return base!.hook === hookNumber && (own === family || (own === tableFamily.inet && isIpFamily(family)));
}

/** A chain of netdev may name the beginning of names: `veth*`. */
function isDevice(wanted: string, name: string): boolean {
  return wanted.endsWith("*") ? name.startsWith(wanted.slice(0, -1)) : wanted === name;
}

/** Base chains of tables that are not dormant. */
function liveChains({ tables, chains }: Ruleset): ReadChain[] {
  const dormant = new Set(tables.filter((one) => one.isDormant).map(({ family, name }) => `${family} ${name}`));
  return chains.filter(({ base, family, table }) => base !== undefined && !dormant.has(`${family} ${table}`));
}

/** The kernel translates in a family as soon as it has one nat chain, whatever its hook. */
export function hasTranslation(ruleset: Ruleset, family: number): boolean {
  return liveChains(ruleset).some(
    (chain) => chain.base?.type === "nat" && (chain.family === family || chain.family === tableFamily.inet),
  );
}
