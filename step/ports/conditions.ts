/**
 * conditionsV4 and conditionsV6: exceptions from published ports. A rule per port and condition, in a chain before the
 * maps, accepts packets that do not meet the condition, which ends their way before a translation. Each rule carries the
 * attachment's mark.
 */

import type { Attachment } from "../../conf/attachment.ts";
import type { ChainKeys, Condition } from "../../conf/config/config.ts";
import { parseAddress, parseCidr } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { nftTable, ownerMark } from "../../kernel/ownership.ts";
import type { Message } from "../../netlink/message.ts";
import { between, differs, equals } from "../../netlink/nft/expr/compare.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { loadMeta, metaKey } from "../../netlink/nft/expr/meta.ts";
import { loadPayload, payloadBase } from "../../netlink/nft/expr/payload.ts";
import { accept } from "../../netlink/nft/expr/verdict.ts";
import { matchAddress, matchProtocolOf } from "../../netlink/nft/match.ts";
import { ruleText } from "../../netlink/nft/print.ts";
import { deleteRule, listRules, newRule } from "../../netlink/nft/rule.ts";
import { linkNameBytes } from "../../netlink/nft/set.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { type Kind, missing } from "../kind.ts";
import { type IsMeant, unowned } from "../nft/markedElements.ts";
import { table } from "../nft/table.ts";
import { shellWord } from "../shellWords.ts";
import { bigEndian, isAnyAddress, protocolNumber, type TargetedMapping } from "./elements.ts";
import { exceptionsChain } from "./sets.ts";

export interface PortConditionStep {
  readonly kind: "portConditions";
  readonly attachment: Attachment;
  readonly mappings: readonly TargetedMapping[];
  /** A packet must meet all conditions of its family. */
  readonly conditions: ChainKeys["conditions"];
}

export type PortConditionKey = Pick<PortConditionStep, "attachment"> & Partial<PortConditionStep>;

type Exception = readonly [mapping: TargetedMapping, condition: Condition];

function exceptionsOf({ mappings, conditions }: PortConditionStep): Exception[] {
  return mappings.flatMap((mapping) => {
    const { family } = parseAddress(mapping.target)!;
    return conditions[family].map((condition) => [mapping, condition] as const);
  });
}

/** Matches packets to the port that do not meet the condition. */
function ruleFor([
  { target, hostIp, protocol, hostPort, count = 1 },
  { field, isNot, ...values },
]: Exception): Expression[] {
  const container = addressBytes(parseAddress(target)!);
  const at = isAnyAddress(hostIp) ? undefined : addressBytes(parseAddress(hostIp!)!);
  return [
    ...matchProtocolOf(container),
    ...(at ? matchAddress("destination", { address: at, length: 8 * at.length }) : []),
    ...[loadMeta(metaKey.l4Protocol), equals(Uint8Array.of(protocolNumber[protocol]))],
    loadPayload(payloadBase.transport, 2, 2),
    ...(count === 1 ? [equals(bigEndian(hostPort))] : between(bigEndian(hostPort), bigEndian(hostPort + count - 1))),
    ...valuesOf(values).flatMap((value) =>
      field === "interface"
        ? [loadMeta(metaKey.inName), (isNot ? equals : differs)(linkNameBytes(value))]
        : matchAddress(field, prefixOf(value), isNot),
    ),
    accept,
  ];
}

/** A packet that matches one of these values meets the condition. */
const valuesOf = ({ value, or = [] }: Pick<Condition, "value" | "or">) => [value, ...or];

function prefixOf(cidr: string) {
  const parsed = parseCidr(cidr)!;
  return { address: addressBytes(parsed), length: parsed.prefixLength };
}

function additions(step: PortConditionStep): Message[] {
  const mark = ownerMark(step.attachment);
  return exceptionsOf(step).map((one) => newRule(table, exceptionsChain, ruleFor(one), mark));
}

function removalOf(isMeant: IsMeant, kernel: Kernel): Message[] {
  return listRules(kernel.netfilter, table, exceptionsChain).flatMap(({ comment = "", handle }) =>
    handle !== undefined && isMeant(comment) ? [deleteRule(table, exceptionsChain, handle)] : [],
  );
}

function remove(isMeant: IsMeant, kernel: Kernel): void {
  const messages = removalOf(isMeant, kernel);
  if (messages.length === 0) return;
  tolerating(() => kernel.batch(messages), errno.ENOENT); // another DEL was first
}

export const portConditions: Kind<PortConditionStep, PortConditionKey> = {
  rules: {
    missing: (step) => additions(step),
    replacing(step, kernel) {
      const mark = ownerMark(step.attachment);
      return [...removalOf((one) => one === mark, kernel), ...additions(step)];
    },
  },

  undo({ attachment }, kernel) {
    const mark = ownerMark(attachment);
    remove((one) => one === mark, kernel);
  },

  leftover: { attachment: (attachment) => ({ attachment }) },

  collect: { network: (network, kept, kernel) => remove(unowned(network, kept), kernel) },

  check(step, kernel) {
    const mark = ownerMark(step.attachment);
    const found = listRules(kernel.netfilter, table, exceptionsChain).filter(({ comment }) => comment === mark).length;
    const wanted = exceptionsOf(step).length;
    const what = `rules of ${step.attachment.container} in nf_tables chain ${exceptionsChain}`;
    if (found === 0) return missing(what);
    return found === wanted ? [] : [{ what, expected: String(wanted), found: String(found) }];
  },

  reason: () => "Packets that do not meet the conditions do not reach the published ports.",

  print: (step) =>
    exceptionsOf(step).map((exception) => {
      const rule = `${ruleText(ruleFor(exception))} comment "${ownerMark(step.attachment)}"`;
      return `nft ${shellWord(`add rule inet ${nftTable} ${exceptionsChain} ${rule}`)}`;
    }),
};
