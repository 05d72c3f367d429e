/** The packet's connection, as connection tracking knows it. Numbers: linux/netfilter/nf_conntrack_common.h. */
import { type End, endOf, type Packet } from "./packet.ts";

/** Bits of NF_CT_STATE_BIT. */
export const stateBit = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;

/** IPS_*. */
export const statusBit = {
  seenReply: 0x2,
  assured: 0x4,
  confirmed: 0x8,
  sourceNat: 0x10,
  destinationNat: 0x20,
  sourceNatDone: 0x80,
  destinationNatDone: 0x100,
} as const;

export interface Tuple {
  readonly source: End;
  readonly destination: End;
}

/** Changes while the packet passes the hooks. */
export interface Connection {
  state: number;
  status: number;
  mark: number;
  /** True for a packet from the side that answers. */
  readonly isReply: boolean;
  /** The first packet before any translation. */
  readonly original: Tuple;
  /** The answer as it arrives: the first packet's ends after all translation, swapped. */
  reply: Tuple;
}

export function newConnection(packet: Packet): Connection {
  const [source, destination] = [endOf(packet, "source"), endOf(packet, "destination")];
  return {
    state: stateBit.new,
    status: 0,
    mark: 0,
    isReply: false,
    original: { source, destination },
    reply: { source: destination, destination: source },
  };
}

/** The connection as the first answer meets it. */
export function answered(connection: Connection): Connection {
  const { seenReply, confirmed } = statusBit;
  const status = connection.status | seenReply | confirmed;
  return { ...connection, state: stateBit.established, status, isReply: true };
}
