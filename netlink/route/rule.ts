/** Rules that choose a routing table: struct fib_rule_hdr and FRA_* (linux/fib_rules.h). */
import { attributes, bytes, type Codec, joined, struct, u8, u32, type Values } from "../codec.ts";
import { flags, type Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { familyOfBytes } from "./address.ts";

const ruleType = { create: 32, delete: 33, get: 34 } as const;

/** FR_ACT_TO_TBL. */
const toTable = 1;
const tableInHeaderMax = 255;

const header = struct({
  family: u8,
  destinationLength: u8,
  sourceLength: u8,
  tos: u8,
  table: u8,
  reserved1: u8,
  reserved2: u8,
  action: u8,
  flags: u32,
});

const ruleAttributes = attributes({ source: [2, bytes], priority: [6, u32], table: [15, u32] });

export interface Rule extends Values<(typeof ruleAttributes)["table"]> {
  /** AF_INET 2, AF_INET6 10. */
  readonly family: number;
  readonly sourceLength: number;
  /** FR_ACT_*. */
  readonly action?: number;
}

const rulePayload: Codec<Rule> = {
  put({ family, sourceLength, action, table = 0, ...values }) {
    const inHeader = table <= tableInHeaderMax ? table : 0;
    const head = header.put({ family, sourceLength, table: inHeader, action });
    return joined([head, ruleAttributes.put({ ...values, table: inHeader === table ? undefined : table })]);
  },
  get(raw) {
    const { family = 0, sourceLength = 0, table = 0, action = 0 } = header.get(raw);
    return { table, ...ruleAttributes.get(raw.subarray(header.size)), family, sourceLength, action };
  },
};

export interface SourceRule {
  /** Words for messages: `from 10.1.0.2 lookup 100`. */
  readonly text: string;
  /** 4 or 16 bytes: packets from this one address. */
  readonly source: Uint8Array;
  readonly table: number;
}

const ruleOf = ({ source, table }: SourceRule): Rule => {
  return { family: familyOfBytes(source), sourceLength: source.length * 8, source, table };
};

/** Adds a rule before the existing ones. Refused with EEXIST if the same rule exists. */
export function addRule(rule: SourceRule): Message {
  return {
    what: `add rule ${rule.text}`,
    type: ruleType.create,
    flags: flags.create | flags.exclusive,
    payload: rulePayload.put({ ...ruleOf(rule), action: toTable }),
  };
}

/** Deletes a rule. Refused with ENOENT if it does not exist. */
export function deleteRule(rule: SourceRule): Message {
  return { what: `delete rule ${rule.text}`, type: ruleType.delete, flags: 0, payload: rulePayload.put(ruleOf(rule)) };
}

/** All rules, of both families. */
export function listRules(socket: NetlinkSocket): Rule[] {
  const payload = rulePayload.put({ family: 0, sourceLength: 0 });
  return socket
    .dump({ what: "list rules", type: ruleType.get, flags: 0, payload })
    .map((frame) => rulePayload.get(frame.payload));
}
