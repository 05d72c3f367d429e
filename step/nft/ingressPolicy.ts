/**
 * ingressPolicy: who may open connections to the containers of a bridge. One chain serves all bridges, and a packet costs
 * one look-up whatever their number; a bridge's policy is an element of one or two sets. Attachments of a bridge share it,
 * so GC and the DEL of the last one remove it (plugin/shared/ingressPolicies.ts).
 */

import type { IngressPolicy } from "../../conf/config/config.ts";
import { code, Fault } from "../../conf/fault.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { nftTable } from "../../kernel/ownership.ts";
import type { Message } from "../../netlink/message.ts";
import { hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { addElements, deleteElements, getElement } from "../../netlink/nft/element.ts";
import { keepBits } from "../../netlink/nft/expr/bitwise.ts";
import { differs, equals } from "../../netlink/nft/expr/compare.ts";
import { connectionState, connectionStatus, conntrackKey, loadConntrack } from "../../netlink/nft/expr/conntrack.ts";
import { register } from "../../netlink/nft/expr/expression.ts";
import { lookUp } from "../../netlink/nft/expr/lookup.ts";
import { loadMeta, metaKey } from "../../netlink/nft/expr/meta.ts";
import { accept, drop, jump } from "../../netlink/nft/expr/verdict.ts";
import { hasRules } from "../../netlink/nft/rule.ts";
import { concatenated, linkNameBytes, newSet, type SetShape, valueType } from "../../netlink/nft/set.ts";
import { newTable } from "../../netlink/nft/table.ts";
import { type Link, listLinks } from "../../netlink/route/link.ts";
import { type AnyStep, differences, isStep, type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";
import { type ChainRule, missingRules, replacedRules, textOf } from "./sharedRules.ts";
import { table, tableComment } from "./table.ts";

export interface IngressPolicyStep {
  readonly kind: "ingressPolicy";
  readonly network: string;
  readonly bridge: string;
  readonly policy: IngressPolicy;
}

/** Bridges that have a policy; the comment names it. */
export const guardedSet: SetShape = { name: "ingress-guarded", key: [valueType.linkName] };
/** BRIDGE . BRIDGE, if containers of the bridge may connect to each other. */
export const neighboursSet: SetShape = { name: "ingress-neighbours", key: [valueType.linkName, valueType.linkName] };

const chain = "ingress";
const toGuarded = "ingress-to-guarded";
/** NFTA_SET_ID: unique in a batch, which may contain the sets of step/ports/rules.ts, too. */
const idOf = { guarded: 101, neighbours: 102 };

/** Before the chains of other programs: their accept does not end the packet's way, while a drop here does. */
const base = { type: "filter", hook: hook.forward, priority: priority.filter - 10 } as const;

/** NFTA_CMP_DATA of a link's kind is 16 bytes, as a name is. */
const ofKind = (kind: string) => [loadMeta(metaKey.inKind), equals(linkNameBytes(kind))];
const isGuarded = (which: number) => [loadMeta(which), lookUp(guardedSet.name, idOf.guarded)];

const rules = (): ChainRule[] => [
  {
    chain,
    expressions: [
      loadConntrack(conntrackKey.state),
      keepBits(connectionState.establishedOrRelated),
      differs(new Uint8Array(4)),
      accept,
    ],
  },
  {
    chain,
    expressions: [...isGuarded(metaKey.outName), jump(toGuarded)],
  },
  {
    chain: toGuarded,
    expressions: [
      loadMeta(metaKey.inName),
      loadMeta(metaKey.outName, register.two),
      lookUp(neighboursSet.name, idOf.neighbours),
      accept,
    ],
  },
  {
    chain: toGuarded,
    expressions: [...isGuarded(metaKey.inName), drop],
  },
  // A bridge without a policy may have the host's uplink as a port: its packets may reach published ports, and no others.
  {
    chain: toGuarded,
    expressions: [
      ...ofKind("bridge"),
      loadConntrack(conntrackKey.status),
      keepBits(connectionStatus.destinationNat),
      equals(new Uint8Array(4)),
      drop,
    ],
  },
];

const keyOf = (bridge: string) => [linkNameBytes(bridge)];
const pairOf = (bridge: string) => [linkNameBytes(bridge), linkNameBytes(bridge)];

function commentOf({ policy, network }: IngressPolicyStep): string {
  return `${policy} for ${network}`;
}

function elementsOf(bridge: string, kernel: Kernel) {
  const found = (set: SetShape, key: readonly Uint8Array[]) =>
    getElement(kernel.netfilter, table, set.name, concatenated(key));
  return { guarded: found(guardedSet, keyOf(bridge)), neighbours: found(neighboursSet, pairOf(bridge)) };
}

/** The existing policy of a bridge, if this network set it. */
export function policyOf(bridge: string, network: string, kernel: Kernel): IngressPolicy | undefined {
  const comment = getElement(kernel.netfilter, table, guardedSet.name, concatenated(keyOf(bridge)))?.comment;
  const policies = ["same-bridge", "isolated"] as const;
  return policies.find((policy) => comment === commentOf({ kind: "ingressPolicy", network, bridge, policy }));
}

function hasPolicy(comment = "", policy: IngressPolicy): boolean {
  return comment.startsWith(`${policy} `);
}

function rulesOf(step: IngressPolicyStep, kernel: Kernel): Message[] {
  const { bridge, policy } = step;
  const { guarded, neighbours } = elementsOf(bridge, kernel);
  refuseAnother(step, guarded?.comment, kernel);
  return [
    newTable(table, tableComment),
    newSet(table, guardedSet, idOf.guarded),
    newSet(table, neighboursSet, idOf.neighbours),
    newChain(table, toGuarded),
    newChain(table, chain, base),
    ...replacedRules(table, rules()),
    ...(guarded ? deleteElements(table, guardedSet.name, [guarded.key]) : []),
    ...(neighbours ? deleteElements(table, neighboursSet.name, [neighbours.key]) : []),
    ...addElements(table, guardedSet.name, [{ key: keyOf(bridge), comment: commentOf(step) }]),
    ...(policy === "same-bridge" ? addElements(table, neighboursSet.name, [{ key: pairOf(bridge) }]) : []),
  ];
}

/** The bridge whose policy the step sets; undefined for a step of another kind. */
export function guardedBy(step: AnyStep): string | undefined {
  return isStep<IngressPolicyStep>("ingressPolicy", step) ? step.bridge : undefined;
}

/** The ports of a bridge; none if it does not exist. */
export function portsOfBridge(bridge: string, kernel: Kernel): Link[] {
  const index = kernel.link("host", bridge)?.index;
  return index === undefined ? [] : listLinks(kernel.route("host")).filter(({ master }) => master === index);
}

/** A bridge has one policy. Throws Fault if another network set another one, and the bridge has ports. */
function refuseAnother(
  { network, bridge, policy }: IngressPolicyStep,
  comment: string | undefined,
  kernel: Kernel,
): void {
  if (comment === undefined || hasPolicy(comment, policy) || comment.endsWith(` for ${network}`)) return;
  if (portsOfBridge(bridge, kernel).length === 0) return;
  throw new Fault(
    code.config,
    `Cannot use ingressPolicy = ${JSON.stringify(policy)} for network ${network}: bridge ${bridge} is ${comment}`,
    "Networks that share a bridge must have the same ingressPolicy: choose it, or another bridge",
  );
}

export const ingressPolicy: Kind<IngressPolicyStep> = {
  rules: {
    missing(step, kernel) {
      const found = getElement(kernel.netfilter, table, guardedSet.name, concatenated(keyOf(step.bridge)));
      const isComplete = found && hasPolicy(found.comment, step.policy) && hasRules(kernel.netfilter, table, chain);
      return isComplete ? [] : rulesOf(step, kernel);
    },
    replacing: rulesOf,
  },

  decides: ({ bridge }) => bridge,

  check({ bridge, policy }, kernel) {
    const { guarded, neighbours } = elementsOf(bridge, kernel);
    if (!guarded) return missing(`${bridge} in nf_tables set ${guardedSet.name} of table inet ${nftTable}`);
    return [
      ...differences(
        `bridge ${bridge}`,
        { ingressPolicy: policy, neighbours: policy === "same-bridge" ? "accepted" : "refused" },
        { ingressPolicy: guarded.comment?.replace(/ .*/, ""), neighbours: neighbours ? "accepted" : "refused" },
      ),
      ...missingRules(table, rules(), kernel),
    ];
  },

  reason: ({ policy }) =>
    policy === "isolated"
      ? "Only the host and the outside may open connections to the containers of this bridge."
      : "Containers of other bridges may not open connections to the containers of this bridge.",

  print(step, { kernel }) {
    const { bridge, policy } = step;
    const inet = `inet ${nftTable}`;
    if (kernel && ingressPolicy.check(step, kernel).length === 0) return [];
    const { guarded, neighbours } = kernel ? elementsOf(bridge, kernel) : {};
    const [name, pair] = [`"${bridge}"`, `"${bridge}" . "${bridge}"`];
    const element = (verb: string, set: SetShape, text: string) =>
      `nft ${verb} element ${inet} ${set.name} ${shellWord(`{ ${text} }`)}`;
    return [
      `nft add table ${inet} '{ comment "${tableComment}"; }'`,
      `nft add set ${inet} ${guardedSet.name} '{ type ifname; }'`,
      `nft add set ${inet} ${neighboursSet.name} '{ type ifname . ifname; }'`,
      `nft add chain ${inet} ${toGuarded}`,
      `nft add chain ${inet} ${chain} '{ type filter hook forward priority filter - 10; }'`,
      // The rules are the same for all bridges, and may exist.
      ...(kernel ? [chain, toGuarded].map((one) => `nft flush chain ${inet} ${one}`) : []),
      ...rules().map((rule) => `nft add rule ${inet} ${rule.chain} '${textOf(rule)}'`),
      ...(guarded ? [element("delete", guardedSet, name)] : []),
      ...(neighbours ? [element("delete", neighboursSet, pair)] : []),
      element("add", guardedSet, `${name} comment "${commentOf(step)}"`),
      ...(policy === "same-bridge" ? [element("add", neighboursSet, pair)] : []),
    ];
  },
};
