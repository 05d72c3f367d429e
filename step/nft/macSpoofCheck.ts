/**
 * macspoofchk: drops a container's frames whose source is not its hardware address, as they enter the bridge. One chain
 * serves all containers. Each has an element in two sets: checked ports, and ports with their genuine address.
 */
import type { Attachment } from "../../conf/attachment.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { nftTable, ownerMark } from "../../kernel/ownership.ts";
import { mac as macCodec } from "../../netlink/codec.ts";
import type { Message } from "../../netlink/message.ts";
import { hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { addElements, getElement } from "../../netlink/nft/element.ts";
import { register } from "../../netlink/nft/expr/expression.ts";
import { lookUp } from "../../netlink/nft/expr/lookup.ts";
import { loadMeta, metaKey } from "../../netlink/nft/expr/meta.ts";
import { loadPayload, payloadBase } from "../../netlink/nft/expr/payload.ts";
import { accept, drop } from "../../netlink/nft/expr/verdict.ts";
import { family } from "../../netlink/nft/message.ts";
import { hasRules } from "../../netlink/nft/rule.ts";
import { concatenated, linkNameBytes, newSet, type SetShape, valueType } from "../../netlink/nft/set.ts";
import { newTable, type Table } from "../../netlink/nft/table.ts";
import { type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";
import { removalOf, removeMarked, unowned } from "./markedElements.ts";
import { type ChainRule, missingRules, replacedRules, textOf } from "./sharedRules.ts";
import { tableComment } from "./table.ts";

export interface MacSpoofCheckStep {
  readonly kind: "macSpoofCheck";
  readonly attachment: Attachment;
  readonly mac: string;
}

export type MacSpoofCheckKey = Pick<MacSpoofCheckStep, "attachment"> & Partial<MacSpoofCheckStep>;

export const bridgeTable: Table = { family: family.bridge, name: nftTable };
const chain = "spoofed";
const checkedSet: SetShape = { name: "spoof-checked", key: [valueType.linkName] };
const genuineSet: SetShape = { name: "spoof-genuine", key: [valueType.linkName, valueType.hardware] };
const sets = [checkedSet, genuineSet];
const idOf = { checked: 1, genuine: 2 };

/** The priority at which a bridge translates destinations (NF_BR_PRI_NAT_DST_BRIDGED). */
const base = { type: "filter", hook: hook.prerouting, priority: priority.raw } as const;

const sourceAddress = loadPayload(payloadBase.link, 6, 6, register.two);

const rules = (): ChainRule[] => [
  {
    chain,
    expressions: [loadMeta(metaKey.inName), sourceAddress, lookUp(genuineSet.name, idOf.genuine), accept],
  },
  {
    chain,
    expressions: [loadMeta(metaKey.inName), lookUp(checkedSet.name, idOf.checked), drop],
  },
];

const nameOf = (attachment: Attachment) => linkNameBytes(hostLinkName(attachment));

function allRules(): Message[] {
  return [
    newTable(bridgeTable, tableComment),
    newSet(bridgeTable, checkedSet, idOf.checked),
    newSet(bridgeTable, genuineSet, idOf.genuine),
    newChain(bridgeTable, chain, base),
    ...replacedRules(bridgeTable, rules()),
  ];
}

function elementsOf({ attachment, mac }: MacSpoofCheckStep): Message[] {
  const [name, comment] = [nameOf(attachment), ownerMark(attachment)];
  return [
    ...addElements(bridgeTable, checkedSet.name, [{ key: [name], comment }]),
    ...addElements(bridgeTable, genuineSet.name, [{ key: [name, macCodec.put(mac)], comment }]),
  ];
}

const isChecked = (attachment: Attachment, kernel: Kernel) =>
  getElement(kernel.netfilter, bridgeTable, checkedSet.name, nameOf(attachment)) !== undefined;

function rulesOf(step: MacSpoofCheckStep, kernel: Kernel): Message[] {
  const mark = ownerMark(step.attachment);
  return [...allRules(), ...removalOf(bridgeTable, sets, (one) => one === mark, kernel), ...elementsOf(step)];
}

export const macSpoofCheck: Kind<MacSpoofCheckStep, MacSpoofCheckKey> = {
  rules: {
    missing(step, kernel) {
      // An earlier ADD whose DEL never came left an element, perhaps with another address.
      if (isChecked(step.attachment, kernel)) return rulesOf(step, kernel);
      return [...(hasRules(kernel.netfilter, bridgeTable, chain) ? [] : allRules()), ...elementsOf(step)];
    },
    replacing: rulesOf,
  },

  undo({ attachment }, kernel) {
    if (isChecked(attachment, kernel))
      removeMarked(bridgeTable, sets, (mark) => mark === ownerMark(attachment), kernel);
  },

  leftover: { attachment: (attachment) => ({ attachment }) },

  collect: { network: (network, kept, kernel) => removeMarked(bridgeTable, sets, unowned(network, kept), kernel) },

  check({ attachment, mac }, kernel) {
    const key = concatenated([nameOf(attachment), macCodec.put(mac)]);
    return [
      ...(isChecked(attachment, kernel) && getElement(kernel.netfilter, bridgeTable, genuineSet.name, key)
        ? []
        : missing(`spoof check of ${hostLinkName(attachment)} for ${mac} in table bridge ${nftTable}`)),
      ...missingRules(bridgeTable, rules(), kernel),
    ];
  },

  reason: () => "Frames of the container with another hardware address than its own are dropped.",

  print({ attachment, mac }, { kernel }) {
    const [host, mark] = [hostLinkName(attachment), ownerMark(attachment)];
    return [
      ...(kernel && hasRules(kernel.netfilter, bridgeTable, chain) ? [] : ruleCommands()),
      `nft add element bridge ${nftTable} ${checkedSet.name} ${shellWord(`{ "${host}" comment "${mark}" }`)}`,
      `nft add element bridge ${nftTable} ${genuineSet.name} ${shellWord(`{ "${host}" . ${mac} comment "${mark}" }`)}`,
    ];
  },
};

function ruleCommands(): string[] {
  const bridge = `bridge ${nftTable}`;
  return [
    `nft add table ${bridge} '{ comment "${tableComment}"; }'`,
    `nft add set ${bridge} ${checkedSet.name} '{ type ifname; }'`,
    `nft add set ${bridge} ${genuineSet.name} '{ type ifname . ether_addr; }'`,
    `nft add chain ${bridge} ${chain} '{ type filter hook prerouting priority ${base.priority}; }'`,
    ...rules().map((rule) => `nft add rule ${bridge} ${chain} ${textOf(rule)}`),
  ];
}

/** The existing check of an attachment, for a store that is rebuilt. */
export function presentSpoofCheck(attachment: Attachment, mac: string, kernel: Kernel): MacSpoofCheckStep | undefined {
  return isChecked(attachment, kernel) ? { kind: "macSpoofCheck", attachment, mac } : undefined;
}
