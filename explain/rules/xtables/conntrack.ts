/** The matches conntrack and state: struct xt_conntrack_mtinfo3 (linux/netfilter/xt_conntrack.h), struct xt_state_info. */
import { stateBit, statusBit } from "../connection.ts";
import { stateOf } from "../expression/conntrack.ts";
import { word } from "../expression/numbers.ts";
import { type End, protocolOf } from "../packet.ts";
import type { Passage } from "../passage.ts";
import { half, type Structure } from "./structure.ts";

/** XT_CONNTRACK_*: which fields are compared. */
const compared = {
  state: 1 << 0,
  protocol: 1 << 1,
  originalSource: 1 << 2,
  originalDestination: 1 << 3,
  replySource: 1 << 4,
  replyDestination: 1 << 5,
  status: 1 << 6,
  expires: 1 << 7,
  originalSourcePort: 1 << 8,
  originalDestinationPort: 1 << 9,
  replySourcePort: 1 << 10,
  replyDestinationPort: 1 << 11,
  direction: 1 << 12,
} as const;

/** XT_CONNTRACK_STATE_SNAT, _DNAT and _UNTRACKED are beyond the five states. */
const stateMask = { sourceNat: 1 << 6, destinationNat: 1 << 7, untracked: 1 << 8 } as const;

function statesOf(passage: Passage): number {
  const state = stateOf(passage);
  if (state === stateBit.untracked) return stateMask.untracked;
  const status = passage.connection?.status ?? 0;
  return (
    state |
    (status & statusBit.sourceNat ? stateMask.sourceNat : 0) |
    (status & statusBit.destinationNat ? stateMask.destinationNat : 0)
  );
}

type Tuples = NonNullable<Passage["connection"]>;

/** Addresses and masks have 16 bytes each; ports are in the machine's order, first and last apart. */
const addressFields = [
  [compared.originalSource, 0, (one: Tuples) => one.original.source],
  [compared.originalDestination, 32, (one: Tuples) => one.original.destination],
  [compared.replySource, 64, (one: Tuples) => one.reply.source],
  [compared.replyDestination, 96, (one: Tuples) => one.reply.destination],
] as const;
const portFields = [
  [compared.originalSourcePort, 138, 154, (one: Tuples) => one.original.source],
  [compared.originalDestinationPort, 140, 156, (one: Tuples) => one.original.destination],
  [compared.replySourcePort, 142, 158, (one: Tuples) => one.reply.source],
  [compared.replyDestinationPort, 144, 160, (one: Tuples) => one.reply.destination],
] as const;

export function matchesConntrack(info: Structure, passage: Passage): boolean | string {
  const [asked, invert, states, statuses] = [half(info, 146), half(info, 148), half(info, 150), half(info, 152)];
  const fails = (bit: number, holds: boolean) => (asked & bit) !== 0 && holds === ((invert & bit) !== 0);
  if (fails(compared.state, (states & statesOf(passage)) !== 0)) return false;
  const { connection } = passage;
  if (connection === undefined) return (asked & compared.state) !== 0;
  if (fails(compared.direction, !connection.isReply)) return false;
  if (fails(compared.protocol, half(info, 136) === protocolOf(passage.packet))) return false;
  for (const [bit, at, endOf] of addressFields) if (fails(bit, isIn(info, at, endOf(connection)))) return false;
  for (const [bit, first, last, endOf] of portFields) {
    const { port } = endOf(connection);
    const [from, to] = [half(info, first), half(info, last)];
    if (fails(bit, port >= from && port <= Math.max(from, to))) return false;
  }
  const { status } = connection;
  if (fails(compared.status, statuses === 0 ? status === 0 : (statuses & status) !== 0)) return false;
  return asked & compared.expires ? "the time that a connection has left" : true;
}

function isIn(info: Structure, at: number, { address }: End): boolean {
  for (let i = 0; i < address.length; i++) if ((address[i]! ^ info[at + i]!) & info[at + 16 + i]!) return false;
  return true;
}

/** struct xt_state_info: bits as above, untracked being 1 << 6. */
export function matchesState(info: Structure, passage: Passage): boolean {
  return (word(info, 0) & stateOf(passage)) !== 0;
}
