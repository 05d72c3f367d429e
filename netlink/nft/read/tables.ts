/** All tables, chains and sets of a namespace with what decides on packets. NFTA_TABLE_*, NFTA_CHAIN_*, NFTA_SET_*. */
import { attributes, be32, be64, list, mapped, nest, text } from "../../codec.ts";
import type { NetlinkSocket } from "../../socket.ts";
import { nfgenHeader, nftMessage, nftType } from "../message.ts";

/** NFPROTO_NETDEV: tables of rules that see the frames of one link. */
export const familyNetdev = 5;

const tableAttributes = attributes({ name: [1, text], flags: [2, be32], handle: [4, be64] });

/** NFT_TABLE_F_DORMANT */
const dormant = 1;

const signed = mapped(
  be32,
  (value) => value | 0,
  (value: number) => value >>> 0,
);

const hookAttributes = attributes({
  number: [1, be32],
  priority: [2, signed],
  device: [3, text],
  devices: [4, list(1, text)],
});

const chainAttributes = attributes({
  table: [1, text],
  handle: [2, be64],
  name: [3, text],
  hook: [4, nest(hookAttributes)],
  policy: [5, be32],
  type: [7, text],
});

const field = nest(attributes({ length: [1, be32] }));

const setAttributes = attributes({
  table: [1, text],
  name: [2, text],
  flags: [3, be32],
  keyLength: [5, be32],
  description: [9, nest(attributes({ fields: [2, list(1, field)] }))],
});

export interface ReadTable {
  readonly family: number;
  readonly name: string;
  /** Grows with each table of the namespace. */
  readonly handle: bigint;
  /** Its chains see no packets. */
  readonly isDormant: boolean;
}

export interface ReadChain {
  readonly family: number;
  readonly table: string;
  readonly name: string;
  /** Grows with each object of the table. */
  readonly handle: bigint;
  /** Absent: only rules jump to it. */
  readonly base: BaseOfChain | undefined;
}

export interface BaseOfChain {
  readonly type: string;
  readonly hook: number;
  readonly priority: number;
  /** NF_ACCEPT 1, NF_DROP 0. */
  readonly policy: number;
  /** Only in the family netdev, and at the hook ingress of inet. */
  readonly devices: readonly string[];
}

export interface ReadSet {
  readonly family: number;
  readonly table: string;
  readonly name: string;
  /** NFT_SET_*. */
  readonly flags: number;
  /** Bytes. */
  readonly keyLength: number;
  /** The lengths of the parts of a concatenation, in bytes; empty without one. */
  readonly fields: readonly number[];
}

/** NFT_SET_*. */
export const setFlag = { interval: 4, map: 8, object: 0x40, concatenation: 0x80 } as const;

function listed<T>(
  socket: NetlinkSocket,
  what: string,
  type: number,
  read: (family: number, raw: Uint8Array) => T,
): T[] {
  return socket
    .dump(nftMessage(`list nf_tables ${what}`, type, 0, 0, new Uint8Array(0)))
    .map(({ payload }) => read(nfgenHeader.get(payload).family ?? 0, payload.subarray(nfgenHeader.size)));
}

export function readTables(socket: NetlinkSocket): ReadTable[] {
  return listed(socket, "tables", nftType.getTable, (family, raw) => {
    const { name = "", flags = 0, handle = 0n } = tableAttributes.get(raw);
    return { family, name, handle, isDormant: (flags & dormant) !== 0 };
  });
}

export function readChains(socket: NetlinkSocket): ReadChain[] {
  return listed(socket, "chains", nftType.getChain, (family, raw) => {
    const { table = "", name = "", handle = 0n, hook, policy = 1, type = "filter" } = chainAttributes.get(raw);
    const devices = hook?.devices ?? (hook?.device === undefined ? [] : [hook.device]);
    const base = hook && { type, hook: hook.number ?? 0, priority: hook.priority ?? 0, policy, devices };
    return { family, table, name, handle, base };
  });
}

export function readSets(socket: NetlinkSocket): ReadSet[] {
  return listed(socket, "sets", nftType.getSet, (family, raw) => {
    const { table = "", name = "", flags = 0, keyLength = 0, description } = setAttributes.get(raw);
    const fields = (description?.fields ?? []).map(({ length = 0 }) => length);
    return { family, table, name, flags, keyLength, fields };
  });
}
