/** nf_tables messages: struct nfgenmsg before the attributes (linux/netfilter/nfnetlink.h, nf_tables.h). */
import { attributes, be16, be32, joined, struct, u8 } from "../codec.ts";
import type { Message } from "../message.ts";

const subsystem = 10;

/** Message numbers, NFT_MSG_*. */
export const nftType = {
  newTable: 0,
  getTable: 1,
  deleteTable: 2,
  newChain: 3,
  getChain: 4,
  deleteChain: 5,
  newRule: 6,
  getRule: 7,
  deleteRule: 8,
  newSet: 9,
  getSet: 10,
  deleteSet: 11,
  newElement: 12,
  getElement: 13,
  deleteElement: 14,
  getGeneration: 16,
} as const;

/** NFPROTO_*: the family a table belongs to. */
export const family = { inet: 1, ipv4: 2, bridge: 7, ipv6: 10 } as const;
export type Family = (typeof family)[keyof typeof family];

export const nfgenHeader = struct({ family: u8, version: u8, resource: be16 });

export function nftMessage(
  what: string,
  type: number,
  tableFamily: number,
  flags: number,
  attributes: Uint8Array,
): Message {
  return {
    what,
    type: (subsystem << 8) | type,
    flags,
    payload: joined([nfgenHeader.put({ family: tableFamily }), attributes]),
  };
}

// NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END
const batchType = { begin: 0x10, end: 0x11 } as const;

/** NFNL_BATCH_GENID. */
const edgeAttributes = attributes({ generation: [1, be32] });

function edge(what: string, type: number, generation?: number): Message {
  const payload = joined([nfgenHeader.put({ resource: subsystem }), edgeAttributes.put({ generation })]);
  return { what, type, flags: 0, payload };
}

export const batchBegin: Message = edge("begin an nf_tables batch", batchType.begin);
/** The kernel refuses the batch (ERESTART) if the ruleset changed since that generation. */
export const batchBeginAt = (generation: number): Message =>
  edge("begin an nf_tables batch", batchType.begin, generation);
export const batchEnd: Message = edge("commit an nf_tables batch", batchType.end);
