/**
 * Accepts a container's packets on a host that drops forwarded packets; Docker sets that policy. The rules are in the
 * tables of iptables, because only a rule of the same chain precedes its policy, and have a form that `iptables -S`
 * prints. Each carries the attachment's mark.
 */

import type { Attachment } from "../../conf/attachment.ts";
import { type Family, familyOf, formatAddress, parseAddress } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { ownerMark } from "../../kernel/ownership.ts";
import type { Message } from "../../netlink/message.ts";
import { type BaseChain, getChain, hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { equals } from "../../netlink/nft/expr/compare.ts";
import { counter } from "../../netlink/nft/expr/counter.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { isEstablished } from "../../netlink/nft/expr/match.ts";
import { loadPayload, payloadBase } from "../../netlink/nft/expr/payload.ts";
import { accept as acceptVerdict, jump } from "../../netlink/nft/expr/verdict.ts";
import { family } from "../../netlink/nft/message.ts";
import { deleteRule, insertRule, listRulesWith, newRule, type Rule } from "../../netlink/nft/rule.ts";
import { newTable, type Table } from "../../netlink/nft/table.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";

export interface ForwardAcceptStep {
  readonly kind: "forwardAccept";
  readonly attachment: Attachment;
  /** The container's, without prefix length. */
  readonly addresses: readonly string[];
  /** A chain for the administrator's own rules, which come first. */
  readonly adminChain: string;
}

export type ForwardAcceptKey = Pick<ForwardAcceptStep, "attachment"> & Partial<ForwardAcceptStep>;

const tables = { 4: { family: family.ipv4, name: "filter" }, 6: { family: family.ipv6, name: "filter" } } as const;

/** The reference's chain and comment, so that both plugins can run on one host. */
export const acceptChain = "CNI-FORWARD";
const chainComment = "CNI firewall plugin rules";
const adminComment = "CNI firewall plugin admin overrides";
const forward = "FORWARD";
const forwardBase: BaseChain = { type: "filter", hook: hook.forward, priority: priority.filter };
const offsets = { 4: { source: 12, destination: 16 }, 6: { source: 8, destination: 24 } } as const;

function familiesOf(addresses: readonly string[]): Family[] {
  return [...new Set(addresses.map(familyOf))];
}

/** `-d ADDRESS -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT` and `-s ADDRESS -j ACCEPT`. */
function rulesFor(address: string): Expression[][] {
  const version = familyOf(address);
  const value = addressBytes(parseAddress(address)!);
  const is = (which: "source" | "destination") => [
    loadPayload(payloadBase.network, offsets[version][which], value.length),
    equals(value),
  ];
  return [
    [...is("destination"), isEstablished, counter, acceptVerdict],
    [...is("source"), counter, acceptVerdict],
  ];
}

/** The missing chains, and the missing jumps to them; `existing` are the rules of the accepting chain. */
function chainsFor(version: Family, adminChain: string, existing: readonly Rule[], kernel: Kernel): Message[] {
  const table: Table = tables[version];
  const isReady = jumpTo(acceptChain, listRulesWith(kernel.netfilter, table, forward, [acceptChain]));
  const hasForward = isReady || getChain(kernel.netfilter, table, forward) !== undefined;
  return [
    ...(isReady ? [] : [newTable(table), ...(hasForward ? [] : [newChain(table, forward, forwardBase)])]),
    ...(isReady ? [] : [newChain(table, acceptChain)]),
    ...(isReady ? [] : [insertRule(table, forward, [counter, jump(acceptChain)], chainComment)]),
    ...(jumpTo(adminChain, existing)
      ? []
      : [newChain(table, adminChain), insertRule(table, acceptChain, [counter, jump(adminChain)], adminComment)]),
  ];
}

const jumpTo = (chain: string, rules: readonly Rule[]) => rules.some((rule) => jumpTarget(rule) === chain);

/** The chain's name is the only text in a verdict. */
function jumpTarget({ expressions = [] }: Rule): string | undefined {
  const verdict = (expressions as readonly Expression[]).find(({ name }) => name === "immediate");
  return verdict && /([\w.-]{2,})\0*$/.exec(Buffer.from(verdict.data).toString("latin1"))?.[1];
}

function removeMarked(mark: string, existing: readonly Rule[], version: Family, kernel: Kernel): void {
  const own = existing.filter(({ comment }) => comment === mark);
  if (own.length === 0) return;
  const messages = own.map(({ handle }) => deleteRule(tables[version], acceptChain, handle!));
  tolerating(() => kernel.batch(messages), errno.ENOENT); // another DEL was first
}

export const forwardAccept: Kind<ForwardAcceptStep, ForwardAcceptKey> = {
  apply({ attachment, addresses, adminChain }, kernel) {
    const mark = ownerMark(attachment);
    const messages: Message[] = [];
    for (const version of familiesOf(addresses)) {
      const existing = listRulesWith(kernel.netfilter, tables[version], acceptChain, [mark, adminChain]);
      removeMarked(mark, existing, version, kernel); // of an earlier ADD without a DEL
      messages.push(...chainsFor(version, adminChain, existing, kernel));
    }
    for (const address of addresses) {
      const table = tables[familyOf(address)];
      messages.push(...rulesFor(address).map((rule) => newRule(table, acceptChain, rule, mark)));
    }
    kernel.batch(messages);
    return true;
  },

  undo({ attachment, addresses }, kernel) {
    const mark = ownerMark(attachment);
    for (const version of addresses ? familiesOf(addresses) : ([4, 6] as const))
      removeMarked(mark, listRulesWith(kernel.netfilter, tables[version], acceptChain, [mark]), version, kernel);
  },

  leftover: { attachment: (attachment) => ({ attachment }) },

  check({ attachment, addresses }, kernel) {
    const mark = ownerMark(attachment);
    return familiesOf(addresses).flatMap((version) => {
      const table = tables[version];
      const wanted = addresses.filter((address) => familyOf(address) === version).length * 2;
      const existing = listRulesWith(kernel.netfilter, table, acceptChain, [mark]);
      const found = existing.filter(({ comment }) => comment === mark);
      const isCalled = jumpTo(acceptChain, listRulesWith(kernel.netfilter, table, forward, [acceptChain]));
      return [
        ...(isCalled ? [] : missing(`jump from ${forward} to ${acceptChain}`)),
        ...(found.length === wanted ? [] : missing(`rules of ${acceptChain} that accept the container's addresses`)),
      ];
    });
  },

  reason: () => "A firewall of this host drops what it forwards: let the container's packets pass.",

  print: ({ attachment, addresses }) =>
    addresses.flatMap((text) => {
      const [command, address] = [familyOf(text) === 4 ? "iptables" : "ip6tables", formatAddress(parseAddress(text)!)];
      const comment = `-m comment --comment ${shellWord(ownerMark(attachment))} -j ACCEPT`;
      return [
        `${command} -A ${acceptChain} -d ${address} -m conntrack --ctstate RELATED,ESTABLISHED ${comment}`,
        `${command} -A ${acceptChain} -s ${address} ${comment}`,
      ];
    }),
};
