/** What portRules.ts makes, as a person would have typed it. */
import { nftTable } from "./names.ts";
import { portChains, rulesOfPorts, translate, wholeComment } from "./portRules.ts";
import { exceptionsChain, hairpinSets, portMaps, portsChain } from "./portSets.ts";
import { tableComment } from "./table.ts";

const { exact4, any4, exact6, any6 } = portMaps;
const port = "inet_proto . inet_service";

const objects: readonly string[] = [
  `add table inet ${nftTable} { comment "${tableComment}"; }`,
  `add map inet ${nftTable} ${exact4.name} { type ipv4_addr . ${port} : ipv4_addr . inet_service; }`,
  `add map inet ${nftTable} ${any4.name} { type ${port} : ipv4_addr . inet_service; }`,
  `add map inet ${nftTable} ${exact6.name} { type ipv6_addr . ${port} : ipv6_addr . inet_service; }`,
  `add map inet ${nftTable} ${any6.name} { type ${port} : ipv6_addr . inet_service; }`,
  `add set inet ${nftTable} ${hairpinSets[4].name} { type ifname . inet_proto . ipv4_addr . inet_service; }`,
  `add set inet ${nftTable} ${hairpinSets[6].name} { type ifname . inet_proto . ipv6_addr . inet_service; }`,
  `add chain inet ${nftTable} ${exceptionsChain}`,
  `add chain inet ${nftTable} ${translate}`,
  `add chain inet ${nftTable} ${portChains.in} { type nat hook prerouting priority dstnat; }`,
  `add chain inet ${nftTable} ${portChains.out} { type nat hook output priority -100; }`,
  `add chain inet ${nftTable} ${portChains.masquerade} { type nat hook postrouting priority srcnat - 5; }`,
  `add chain inet ${nftTable} ${portChains.guard} { type filter hook prerouting priority raw; }`,
  `add chain inet ${nftTable} ${portsChain} { comment "${wholeComment}"; }`,
];

/** `stand`: the chains may hold some of the rules already. */
export function portCommands(stand: boolean): string[] {
  const rules = rulesOfPorts();
  const chains = stand ? [...new Set(rules.map(({ chain }) => chain))] : [];
  return [
    ...objects,
    ...chains.map((chain) => `flush chain inet ${nftTable} ${chain}`),
    ...rules.map(({ chain, text }) => `add rule inet ${nftTable} ${chain} ${text}`),
  ].map((line) => `nft '${line}'`);
}
