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
  transport: [9, bytes],
  inIndex: [10, be32],
  outIndex: [12, be32],
  verdict: [5, nest(attributes({ code: [1, be32], chain: [2, text] }))],
  policy: [16, be32],
});

/** NFT_TRACETYPE_*. */
const type = { policy: 1, rule: 3 } as const;
const drop = 0;

export interface TraceMessage {
  /** The same for all messages about a packet. */
  readonly id: number;
  readonly place: TracedPlace;
  /** NF_DROP, NFT_JUMP …, of a rule or a policy; undefined for the end of a chain that has none. */
  readonly verdict: number | undefined;
  /** Where a jump or a goto leads. */
  readonly target: string | undefined;
  /** The header of IPv4 or IPv6, and that of TCP, UDP or ICMP, in the first message of each base chain. */
  readonly network: Uint8Array | undefined;
  readonly transport: Uint8Array | undefined;
  /** The links, in the same message. */
  readonly inIndex: number | undefined;
  readonly outIndex: number | undefined;
  readonly drop: TracedPlace | undefined;
}

export interface TracedPlace {
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
    transport,
    inIndex,
    outIndex,
  } = traceAttributes.get(payload.subarray(nfgenHeader.size));
  const isRule = what === type.rule;
  const place = { family, table, chain, handle: isRule ? handle : undefined };
  const code = isRule ? verdict?.code : what === type.policy ? policy : undefined;
  return {
    ...{ id, place, network, transport, inIndex, outIndex },
    ...{ verdict: code === undefined ? undefined : code | 0, target: verdict?.chain },
    drop: code === drop ? place : undefined,
  };
}

const tableAttributes = attributes({ name: [1, text], flags: [2, be32] });
/** NFT_TABLE_F_OWNER: the table goes when the socket that made it is closed, also by the end of its process. */
const owner = 2;

export function newOwnedTable({ family, name }: Table): Message {
  const payload = tableAttributes.put({ name, flags: owner });
  return nftMessage(`create nf_tables table ${name}`, nftType.newTable, family, 0x400, payload);
}
