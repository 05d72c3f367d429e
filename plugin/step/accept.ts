/**
 * A container's packets let through where the host drops what it forwards (Docker sets that policy). Rules in the tables
 * of iptables itself, since only a rule of the same chain comes before its policy; written so that `iptables -S` reads
 * them. Each carries the attachment's mark, by which it is found again.
 */
import { formatAddress, parseAddress } from "../../conf/address.ts";
import type { Attachment } from "../../conf/attachment.ts";
import { errno, isKernelError } from "../../netlink/errors.ts";
import type { Message } from "../../netlink/message.ts";
import { type BaseChain, getChain, hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { equals } from "../../netlink/nft/expr/compare.ts";
import { counter } from "../../netlink/nft/expr/counter.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { isEstablished } from "../../netlink/nft/expr/match.ts";
import { loadPayload, payloadBase } from "../../netlink/nft/expr/payload.ts";
import { accept as acceptVerdict, jump } from "../../netlink/nft/expr/verdict.ts";
import { family } from "../../netlink/nft/message.ts";
import { deleteRule, insertRule, listRules, newRule, type Rule } from "../../netlink/nft/rule.ts";
import { newTable, type Table } from "../../netlink/nft/table.ts";
import type { Kernel } from "../kernel.ts";
import { addressBytes, ownerMark } from "../names.ts";
import { type Kind, missing } from "./step.ts";
import { shellWord } from "./words.ts";

export interface AcceptStep {
  readonly kind: "accept";
  readonly attachment: Attachment;
  /** The container's, without prefix length. */
  readonly addresses: readonly string[];
  /** A chain for a person's own rules, asked first. */
  readonly adminChain: string;
}

export type AcceptKey = Pick<AcceptStep, "attachment"> & Partial<AcceptStep>;

const tables = { 4: { family: family.ipv4, name: "filter" }, 6: { family: family.ipv6, name: "filter" } } as const;

/** The reference's chain and its comment, so that both plugins can work on one host. */
export const acceptChain = "CNI-FORWARD";
const chainComment = "CNI firewall plugin rules";
const adminComment = "CNI firewall plugin admin overrides";
const forward = "FORWARD";
const forwardBase: BaseChain = { type: "filter", hook: hook.forward, priority: priority.filter };
const offsets = { 4: { source: 12, destination: 16 }, 6: { source: 8, destination: 24 } } as const;

type Family = 4 | 6;

function familyOf(address: string): Family {
  return parseAddress(address)!.family;
}

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

/** The chains, and the jumps to them, where they are missing. */
function chainsFor(version: Family, adminChain: string, kernel: Kernel): Message[] {
  const table: Table = tables[version];
  const has = (chain: string) => getChain(kernel.netfilter, table, chain) !== undefined;
  const jumpsTo = (from: string, to: string) =>
    listRules(kernel.netfilter, table, from).some((rule) => jumpTarget(rule) === to);
  const isReady = has(acceptChain) && jumpsTo(forward, acceptChain);
  const hasAdmin = has(adminChain) && jumpsTo(acceptChain, adminChain);
  return [
    ...(isReady ? [] : [newTable(table), ...(has(forward) ? [] : [newChain(table, forward, forwardBase)])]),
    ...(isReady ? [] : [newChain(table, acceptChain)]),
    ...(isReady ? [] : [insertRule(table, forward, [counter, jump(acceptChain)], chainComment)]),
    ...(hasAdmin ? [] : [newChain(table, adminChain)]),
    ...(hasAdmin ? [] : [insertRule(table, acceptChain, [counter, jump(adminChain)], adminComment)]),
  ];
}

/** The name is the only text in a verdict. */
function jumpTarget({ expressions = [] }: Rule): string | undefined {
  const verdict = (expressions as readonly Expression[]).find(({ name }) => name === "immediate");
  return verdict && /([\w.-]{2,})\0*$/.exec(Buffer.from(verdict.data).toString("latin1"))?.[1];
}

export const accept: Kind<AcceptStep, AcceptKey> = {
  apply({ attachment, addresses, adminChain }, kernel) {
    const mark = ownerMark(attachment);
    accept.undo!({ attachment, addresses }, kernel); // of an earlier ADD whose DEL never came
    kernel.batch([
      ...familiesOf(addresses).flatMap((version) => chainsFor(version, adminChain, kernel)),
      ...addresses.flatMap((address) =>
        rulesFor(address).map((rule) => newRule(tables[familyOf(address)], acceptChain, rule, mark)),
      ),
    ]);
    return true;
  },

  undo({ attachment, addresses }, kernel) {
    const mark = ownerMark(attachment);
    for (const version of addresses ? familiesOf(addresses) : ([4, 6] as const)) {
      const own = listRules(kernel.netfilter, tables[version], acceptChain).filter(({ comment }) => comment === mark);
      if (own.length === 0) continue;
      try {
        kernel.batch(own.map(({ handle }) => deleteRule(tables[version], acceptChain, handle!)));
      } catch (error) {
        if (!isKernelError(error, errno.ENOENT)) throw error; // another DEL was first
      }
    }
  },

  check({ attachment, addresses }, kernel) {
    const mark = ownerMark(attachment);
    return familiesOf(addresses).flatMap((version) => {
      const table = tables[version];
      const wanted = addresses.filter((address) => familyOf(address) === version).length * 2;
      const found = listRules(kernel.netfilter, table, acceptChain).filter(({ comment }) => comment === mark);
      const isCalled = listRules(kernel.netfilter, table, forward).some((rule) => jumpTarget(rule) === acceptChain);
      return [
        ...(isCalled ? [] : missing(`jump from ${forward} to ${acceptChain}`)),
        ...(found.length === wanted ? [] : missing(`rules of ${acceptChain} that accept the container's addresses`)),
      ];
    });
  },

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
