/**
 * A network whose packets the host does not forward: neither out of it nor into it. Its containers reach each other and
 * the gateway. One chain serves all bridges; a bridge is an element of its set.
 */
import type { Kernel } from "../../kernel/kernel.ts";
import { nftTable } from "../../kernel/ownership.ts";
import type { Message } from "../../netlink/message.ts";
import { hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { addElements, deleteElements, getElement } from "../../netlink/nft/element.ts";
import { lookUp } from "../../netlink/nft/expr/lookup.ts";
import { loadMeta, metaKey } from "../../netlink/nft/expr/meta.ts";
import { drop } from "../../netlink/nft/expr/verdict.ts";
import { concatenated, linkNameBytes, newSet, type SetShape, valueType } from "../../netlink/nft/set.ts";
import { newTable } from "../../netlink/nft/table.ts";
import { type Kind, missing } from "../kind.ts";
import { type ChainRule, missingRules, replacedRules, textOf } from "./sharedRules.ts";
import { table, tableComment } from "./table.ts";

export interface InternalNetworkStep {
  readonly kind: "internalNetwork";
  readonly network: string;
  readonly bridge: string;
}

const set: SetShape = { name: "internal", key: [valueType.linkName] };
/** NFTA_SET_ID: unique in a batch, which may contain the sets of ingressPolicy.ts, too. */
const setId = 103;

const chain = "internal";
/** Before the chain of ingressPolicy.ts, which accepts replies. */
const base = { type: "filter", hook: hook.forward, priority: priority.filter - 11 } as const;

const rules = (): ChainRule[] =>
  [metaKey.inName, metaKey.outName].map((which) => ({
    chain,
    expressions: [loadMeta(which), lookUp(set.name, setId), drop],
  }));

const keyOf = ({ bridge }: InternalNetworkStep) => [linkNameBytes(bridge)];

const elementOf = (step: InternalNetworkStep, kernel: Kernel) =>
  getElement(kernel.netfilter, table, set.name, concatenated(keyOf(step)));

function rulesOf(step: InternalNetworkStep, kernel: Kernel): Message[] {
  const element = elementOf(step, kernel);
  return [
    newTable(table, tableComment),
    newSet(table, set, setId),
    newChain(table, chain, base),
    ...replacedRules(table, rules()),
    ...(element ? deleteElements(table, set.name, [element.key]) : []),
    ...addElements(table, set.name, [{ key: keyOf(step), comment: step.network }]),
  ];
}

export const internalNetwork: Kind<InternalNetworkStep> = {
  rules: { missing: rulesOf, replacing: rulesOf },

  undo(step, kernel) {
    const element = elementOf(step, kernel);
    if (element) kernel.batch(deleteElements(table, set.name, [element.key]));
  },

  check(step, kernel) {
    if (!elementOf(step, kernel))
      return missing(`${step.bridge} in nf_tables set ${set.name} of table inet ${nftTable}`);
    return missingRules(table, rules(), kernel);
  },

  reason: ({ network }) => `The host forwards no packets out of or into ${network}.`,

  print(step, { kernel }) {
    if (kernel && internalNetwork.check(step, kernel).length === 0) return [];
    const inet = `inet ${nftTable}`;
    return [
      `nft add table ${inet} '{ comment "${tableComment}"; }'`,
      `nft add set ${inet} ${set.name} '{ type ifname; }'`,
      `nft add chain ${inet} ${chain} '{ type filter hook forward priority filter - 11; }'`,
      `nft flush chain ${inet} ${chain}`,
      ...rules().map((rule) => `nft add rule ${inet} ${rule.chain} '${textOf(rule)}'`),
      `nft add element ${inet} ${set.name} '{ "${step.bridge}" comment "${step.network}" }'`,
    ];
  },
};
