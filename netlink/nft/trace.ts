/** The kernel's own account of marked packets: NFTA_TRACE_* (linux/netfilter/nf_tables.h), group NFNLGRP_NFTRACE. */
import { attributes, be32, be64, bytes, nest, text } from "../codec.ts";
import type { Frame, Message } from "../message.ts";
import { nfgenHeader, nftMessage, nftType } from "./message.ts";
import type { Table } from "./table.ts";

/** NFNLGRP_NFTRACE */
export const traceGroup = 9;
/** NFT_MSG_TRACE, in the subsystem of nf_tables. */
const traceType = (10 << 8) | 17;

const traceAttributes = attributes({
  table: [1, text],
  chain: [2, text],
  handle: [3, be64],
  type: [4, be32],
  id: [6, be32],
  network: [8, bytes],
  verdict: [5, nest(attributes({ code: [1, be32] }))],
  policy: [16, be32],
});

/** NFT_TRACETYPE_*. */
const type = { policy: 1, rule: 3 } as const;
const drop = 0;

export interface TraceMessage {
  /** The same for all messages about a packet. */
  readonly id: number;
  /** The header of IPv4 or IPv6, in the first message of each base chain. */
  readonly network: Uint8Array | undefined;
  readonly drop: TracedDrop | undefined;
}

export interface TracedDrop {
  readonly family: number;
  readonly table: string;
  readonly chain: string;
  /** Absent: the policy of the chain. */
  readonly handle: bigint | undefined;
}

/** Answers undefined for a message about something else. */
export function traceIn({ type: kind, payload }: Frame): TraceMessage | undefined {
  if (kind !== traceType) return undefined;
  const { family = 0 } = nfgenHeader.get(payload);
  const {
    table = "",
    chain = "",
    handle,
    type: what,
    verdict,
    policy,
    id = 0,
    network,
  } = traceAttributes.get(payload.subarray(nfgenHeader.size));
  const isPolicy = what === type.policy && policy === drop;
  const isRule = what === type.rule && verdict?.code === drop;
  const place = { family, table, chain, handle: isRule ? handle : undefined };
  return { id, network, drop: isPolicy || isRule ? place : undefined };
}

const tableAttributes = attributes({ name: [1, text], flags: [2, be32] });
/** NFT_TABLE_F_OWNER: the table goes when the socket that made it is closed, also by the end of its process. */
const owner = 2;

export function newOwnedTable({ family, name }: Table): Message {
  const payload = tableAttributes.put({ name, flags: owner });
  return nftMessage(`create nf_tables table ${name}`, nftType.newTable, family, 0x400, payload);
}
