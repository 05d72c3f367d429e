/**
 * masqAll: masquerades all connections to a container through published ports, so that it answers the host, whatever its
 * routes are. One chain serves all containers; a container's address is an element of a set.
 */

import type { Attachment } from "../../conf/attachment.ts";
import { type Family, formatAddress, parseAddress } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import { nftTable, ownerMark } from "../../kernel/ownership.ts";
import type { Message } from "../../netlink/message.ts";
import { type BaseChain, getChain, hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { addElements, getElement } from "../../netlink/nft/element.ts";
import { keepBits } from "../../netlink/nft/expr/bitwise.ts";
import { differs } from "../../netlink/nft/expr/compare.ts";
import { connectionStatus, conntrackKey, loadConntrack } from "../../netlink/nft/expr/conntrack.ts";
import { lookUp } from "../../netlink/nft/expr/lookup.ts";
import { masquerade } from "../../netlink/nft/expr/masquerade.ts";
import { loadPayload, payloadBase } from "../../netlink/nft/expr/payload.ts";
import { matchProtocolOf } from "../../netlink/nft/match.ts";
import { hasRules } from "../../netlink/nft/rule.ts";
import { concatenated, newSet, type SetShape, valueType } from "../../netlink/nft/set.ts";
import { newTable } from "../../netlink/nft/table.ts";
import { type Kind, missing } from "../kind.ts";
import { removalOf, removeMarked, unowned } from "../nft/markedElements.ts";
import { type ChainRule, missingRules, replacedRules, textOf } from "../nft/sharedRules.ts";
import { table, tableComment } from "../nft/table.ts";
import { shellWord } from "../shellWords.ts";

export interface MasqueradeAllStep {
  readonly kind: "masqAll";
  readonly attachment: Attachment;
  /** The container's, without prefix length. */
  readonly addresses: readonly string[];
}

export type MasqueradeAllKey = Pick<MasqueradeAllStep, "attachment"> & Partial<MasqueradeAllStep>;

const chain = "ports-masquerade-all";
/** Before the chains of networks and of published ports: the first chain that masquerades decides. */
const base: BaseChain = { type: "nat", hook: hook.postrouting, priority: priority.sourceNat - 6 };
const sets = {
  4: { name: "ports-masquerade-all4", key: [valueType.ipv4] },
  6: { name: "ports-masquerade-all6", key: [valueType.ipv6] },
} as const satisfies Record<Family, SetShape>;
const bothSets = [sets[4], sets[6]];
/** NFTA_SET_ID: unique in a batch, which may contain the sets of rules.ts, too. */
const idOf = { 4: 201, 6: 202 } as const;
const destination = { 4: { offset: 16, bytes: 4 }, 6: { offset: 24, bytes: 16 } } as const;

function ruleFor(version: Family): ChainRule {
  const { offset, bytes } = destination[version];
  const expressions = [
    loadConntrack(conntrackKey.status),
    keepBits(connectionStatus.destinationNat),
    differs(new Uint8Array(4)),
    ...matchProtocolOf(new Uint8Array(bytes)),
    loadPayload(payloadBase.network, offset, bytes),
    lookUp(sets[version].name, idOf[version]),
    masquerade,
  ];
  return { chain, expressions };
}

const rules = (): ChainRule[] => [ruleFor(4), ruleFor(6)];

const allRules = (): Message[] => [
  newTable(table, tableComment),
  newSet(table, sets[4], idOf[4]),
  newSet(table, sets[6], idOf[6]),
  newChain(table, chain, base),
  ...replacedRules(table, rules()),
];

function placed(text: string) {
  const address = parseAddress(text)!;
  return { set: sets[address.family].name, key: [addressBytes(address)] };
}

function elementsOf({ attachment, addresses }: MasqueradeAllStep): Message[] {
  const comment = ownerMark(attachment);
  return addresses.map(placed).flatMap(({ set, key }) => addElements(table, set, [{ key, comment }]));
}

export const masqAll: Kind<MasqueradeAllStep, MasqueradeAllKey> = {
  rules: {
    missing: (step, kernel) => [...(hasRules(kernel.netfilter, table, chain) ? [] : allRules()), ...elementsOf(step)],
    replacing(step, kernel) {
      const mark = ownerMark(step.attachment);
      return [...allRules(), ...removalOf(table, bothSets, (one) => one === mark, kernel), ...elementsOf(step)];
    },
  },

  undo({ attachment }, kernel) {
    removeMarked(table, bothSets, (mark) => mark === ownerMark(attachment), kernel);
  },

  leftover: { attachment: (attachment) => ({ attachment }) },

  collect: { network: (network, kept, kernel) => removeMarked(table, bothSets, unowned(network, kept), kernel) },

  check({ attachment, addresses }, kernel) {
    if (!getChain(kernel.netfilter, table, chain)) return missing(`nf_tables chain ${chain} in table inet ${nftTable}`);
    const lost = addresses.flatMap((text) => {
      const { set, key } = placed(text);
      const found = getElement(kernel.netfilter, table, set, concatenated(key));
      return found?.comment === ownerMark(attachment) ? [] : missing(`${text} in nf_tables set ${set}`);
    });
    return [...missingRules(table, rules(), kernel), ...lost];
  },

  reason: () => "Every connection through a published port gets the host's address.",

  print: ({ attachment, addresses }, { kernel }) => [
    ...(kernel && hasRules(kernel.netfilter, table, chain) ? [] : ruleCommands()),
    ...addresses.map((text) => {
      const element = `{ ${formatAddress(parseAddress(text)!)} comment "${ownerMark(attachment)}" }`;
      return `nft add element inet ${nftTable} ${placed(text).set} ${shellWord(element)}`;
    }),
  ],
};

function ruleCommands(): string[] {
  return [
    `nft add set inet ${nftTable} ${sets[4].name} '{ type ipv4_addr; }'`,
    `nft add set inet ${nftTable} ${sets[6].name} '{ type ipv6_addr; }'`,
    `nft add chain inet ${nftTable} ${chain} '{ type nat hook postrouting priority srcnat - 6; }'`,
    ...rules().map((rule) => `nft add rule inet ${nftTable} ${chain} ${textOf(rule)}`),
  ];
}
