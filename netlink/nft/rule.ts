/** Rules: NFTA_RULE_*. A rule is a list of expressions; each kind is a file in expr/. */

import { errno, tolerating } from "../../sys/errors.ts";
import { attributes, be64, bytes, list, text, type Values } from "../codec.ts";
import { type Frame, flags, type Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { comment } from "./comment.ts";
import type { Expression } from "./expr/expression.ts";
import { nfgenHeader, nftMessage, nftType } from "./message.ts";
import type { Table } from "./table.ts";

/** NFTA_EXPR_*. */
const expression = { ...attributes({ name: [1, text], data: [2, { ...bytes, nested: true }] }), nested: true };

const ruleAttributes = attributes({
  table: [1, text],
  chain: [2, text],
  handle: [3, be64],
  expressions: [4, list(1, expression)],
  comment: [7, comment],
});

export type Rule = Values<(typeof ruleAttributes)["table"]>;

/** Adds a rule at the end of a chain. */
export function newRule(table: Table, chain: string, expressions: readonly Expression[], words?: string): Message {
  const payload = ruleAttributes.put({ table: table.name, chain, expressions: [...expressions], comment: words });
  return nftMessage(
    `add a rule to nf_tables chain ${chain}`,
    nftType.newRule,
    table.family,
    flags.create | flags.append,
    payload,
  );
}

/** Adds a rule at the beginning of a chain. */
export function insertRule(table: Table, chain: string, expressions: readonly Expression[], words?: string): Message {
  return { ...newRule(table, chain, expressions, words), flags: flags.create };
}

/** Deletes one rule by the handle that the kernel gave it. Refused with ENOENT if it does not exist. */
export function deleteRule(table: Table, chain: string, handle: bigint): Message {
  const payload = ruleAttributes.put({ table: table.name, chain, handle });
  return nftMessage(`delete a rule of nf_tables chain ${chain}`, nftType.deleteRule, table.family, 0, payload);
}

/** Deletes every rule of a chain. Refused with ENOENT if the chain does not exist. */
export function flushChain(table: Table, chain: string): Message {
  const payload = ruleAttributes.put({ table: table.name, chain });
  return nftMessage(`flush nf_tables chain ${chain}`, nftType.deleteRule, table.family, 0, payload);
}

/** The rules of a chain in order; none if the chain does not exist. */
export function listRules(socket: NetlinkSocket, table: Table, chain: string): Rule[] {
  return listed(socket, table, chain).map(ruleIn);
}

/**
 * The rules of a chain that contain one of these words, in a comment or a name. Decoding all of a thousand rules would
 * take thirty times as long.
 */
export function listRulesWith(socket: NetlinkSocket, table: Table, chain: string, words: readonly string[]): Rule[] {
  const found = listed(socket, table, chain).filter(({ payload: { buffer, byteOffset, length } }) => {
    const bytes = Buffer.from(buffer, byteOffset, length);
    return words.some((word) => bytes.includes(word));
  });
  return found.map(ruleIn);
}

/** The rule that a message adds or lists. */
export function ruleIn({ payload }: Pick<Frame, "payload">): Rule {
  return ruleAttributes.get(payload.subarray(nfgenHeader.size));
}

/** True if a chain exists and has rules. Cheaper than `listRules`; every ADD asks this. */
export function hasRules(socket: NetlinkSocket, table: Table, chain: string): boolean {
  return countRules(socket, table, chain) > 0;
}

/** 0 if the chain does not exist. */
export function countRules(socket: NetlinkSocket, table: Table, chain: string): number {
  return listed(socket, table, chain).length;
}

function listed(socket: NetlinkSocket, table: Table, chain: string): Frame[] {
  const payload = ruleAttributes.put({ table: table.name, chain });
  const message = nftMessage(`list nf_tables chain ${chain}`, nftType.getRule, table.family, 0, payload);
  return tolerating(() => socket.dump(message), errno.ENOENT) ?? [];
}
