/** What portRules.ts makes, as a person would have typed it. */
import { nftTable } from "./names.ts";
import { exceptionsChain, hairpinSet, portChains, portMaps, portsChain } from "./portRules.ts";
import { tableComment } from "./table.ts";

const { exact4, any4, exact6, any6 } = portMaps;
const port = "inet_proto . inet_service";

const objects: readonly string[] = [
  `add table inet ${nftTable} { comment "${tableComment}"; }`,
  `add map inet ${nftTable} ${exact4.name} { type ipv4_addr . ${port} : ipv4_addr . inet_service; }`,
  `add map inet ${nftTable} ${any4.name} { type ${port} : ipv4_addr . inet_service; }`,
  `add map inet ${nftTable} ${exact6.name} { type ipv6_addr . ${port} : ipv6_addr . inet_service; }`,
  `add map inet ${nftTable} ${any6.name} { type ${port} : ipv6_addr . inet_service; }`,
  `add set inet ${nftTable} ${hairpinSet.name} { type ifname . ifname; }`,
  `add chain inet ${nftTable} ${exceptionsChain}`,
  `add chain inet ${nftTable} ports`,
  `add chain inet ${nftTable} ${portChains.in} { type nat hook prerouting priority dstnat; }`,
  `add chain inet ${nftTable} ${portChains.out} { type nat hook output priority -100; }`,
  `add chain inet ${nftTable} ${portChains.masquerade} { type nat hook postrouting priority srcnat - 5; }`,
  `add chain inet ${nftTable} ${portChains.guard} { type filter hook prerouting priority raw; }`,
];

const last = "meta l4proto . th dport";
const rules: readonly (readonly [chain: string, rule: string])[] = [
  ["ports", `jump ${exceptionsChain}`],
  ["ports", `meta nfproto ipv4 dnat ip to ip daddr . ${last} map @${exact4.name}`],
  ["ports", `meta nfproto ipv4 dnat ip to ${last} map @${any4.name}`],
  ["ports", `meta nfproto ipv6 ip6 daddr != ::1 dnat ip6 to ip6 daddr . ${last} map @${exact6.name}`],
  ["ports", `meta nfproto ipv6 ip6 daddr != ::1 dnat ip6 to ${last} map @${any6.name}`],
  [portChains.in, "fib daddr type local jump ports"],
  [portChains.out, "fib daddr type local jump ports"],
  [portChains.masquerade, `ct status dnat iifname . oifname @${hairpinSet.name} masquerade`],
  [portChains.masquerade, `ct status dnat iif 0 oifname . oifname @${hairpinSet.name} masquerade`],
  [portChains.masquerade, "ct status dnat ip saddr 127.0.0.0/8 masquerade"],
  [portChains.guard, 'iifname != "lo" ip daddr 127.0.0.0/8 drop'],
];

export function portCommands(): string[] {
  return [
    ...objects,
    ...rules.map(([chain, rule]) => `add rule inet ${nftTable} ${chain} ${rule}`),
    `add chain inet ${nftTable} ${portsChain} { comment "the rules of published ports are whole"; }`,
  ].map((line) => `nft '${line}'`);
}
