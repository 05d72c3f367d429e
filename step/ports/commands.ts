/** Published ports as commands: the objects and rules of rules.ts, and the elements of an attachment. */
import { onePortEach } from "../../conf/config/portRow.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { nftTable, ownerMark } from "../../kernel/ownership.ts";
import { concatenated } from "../../netlink/nft/set.ts";
import { textOf } from "../nft/sharedRules.ts";
import { tableComment } from "../nft/table.ts";
import { shellWord } from "../shellWords.ts";
import { hairpinsOf, keyText, type Placed, translationOf } from "./elements.ts";
import { isThere, type PortsStep, sorted } from "./present.ts";
import { missingPortRules, portChains, rulesOfPorts, translate, wholeComment } from "./rules.ts";
import { exceptionsChain, hairpinSets, portMaps, portsChain, waitingPorts } from "./sets.ts";
import { waitingText } from "./waiting.ts";

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

/** Elements per command: more would exceed the longest argument of a command (MAX_ARG_STRLEN). */
const elementsMax = 200;

/** With a kernel, without the objects and rules that exist there. */
export function printed(step: PortsStep, kernel?: Kernel): string[] {
  const { attachment, mappings, hairpin } = step;
  const exists = kernel !== undefined && isThere(kernel);
  const isWhole = exists && missingPortRules(kernel).length === 0;
  const taken = exists ? sorted(step, kernel).taken : new Set<string>();
  const one = mappings.flatMap(onePortEach).map(translationOf);
  const isTaken = ({ set, element }: Placed) => taken.has(keyText(set, concatenated(element.key)));
  const waiting = one.filter(isTaken).map(({ mapping }) => waitingText(mapping, hostLinkName(attachment)));
  return [
    ...(isWhole ? [] : portCommands(exists)),
    ...(taken.size === 0 ? mappings.map(translationOf) : one.filter((port) => !isTaken(port))).flatMap((row) =>
      additionsOf(row, step),
    ),
    ...hairpinsOf(mappings, hairpin).flatMap((row) => additionsOf(row, step)),
    ...(waiting.length === 0 ? [] : [waitingCommand]),
    ...waiting.map((texts) => addition(waitingPorts.name, [elementText(texts, step)])),
  ];
}

const waitingCommand = `nft 'add map inet ${nftTable} ${waitingPorts.name} { type ifname . ipv6_addr . ${port} : ipv6_addr . inet_service; }'`;

function additionsOf({ set, text, element: { count = 1 } }: Placed, step: PortsStep): string[] {
  const commands: string[] = [];
  for (let at = 0; at < count; at += elementsMax) {
    const offsets = Array.from({ length: Math.min(elementsMax, count - at) }, (_, i) => at + i);
    commands.push(
      addition(
        set,
        offsets.map((offset) => elementText(text(offset), step)),
      ),
    );
  }
  return commands;
}

function elementText([key, value]: readonly [key: string, value?: string], { attachment }: PortsStep): string {
  return `${key} comment "${ownerMark(attachment)}"${value === undefined ? "" : ` : ${value}`}`;
}

const addition = (set: string, elements: readonly string[]) =>
  `nft add element inet ${nftTable} ${set} ${shellWord(`{ ${elements.join(", ")} }`)}`;

/** `exist`: the chains may contain some of the rules already. */
function portCommands(exist: boolean): string[] {
  const rules = rulesOfPorts();
  const chains = exist ? [...new Set(rules.map(({ chain }) => chain))] : [];
  return [
    ...objects,
    ...chains.map((chain) => `flush chain inet ${nftTable} ${chain}`),
    ...rules.map((rule) => `add rule inet ${nftTable} ${rule.chain} ${textOf(rule)}`),
  ].map((line) => `nft '${line}'`);
}
