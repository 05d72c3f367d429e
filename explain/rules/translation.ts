/** Does what a nat rule asked for, and its reverse to answers. net/netfilter/nf_nat_core.c. */
import { statusBit } from "./connection.ts";
import { type End, endOf, hasPorts, type Side, sameEnd, withEnd } from "./packet.ts";
import type { Passage } from "./passage.ts";

const opposite = { source: "destination", destination: "source" } as const;
export const doneBit = { source: statusBit.sourceNatDone, destination: statusBit.destinationNatDone } as const;
const changedBit = { source: statusBit.sourceNat, destination: statusBit.destinationNat } as const;

/** For the first packet of a connection. */
export function translateFirst(passage: Passage, side: Side): void {
  const { translation, connection, packet } = passage;
  passage.translation = undefined;
  if (connection === undefined) return;
  connection.status |= doneBit[side];
  if (translation === undefined) return;
  const before = endOf(packet, side);
  const after = wanted(before, translation, hasPorts(packet));
  if (sameEnd(before, after)) return;
  connection.status |= changedBit[side];
  connection.reply = { ...connection.reply, [opposite[side]]: after };
  passage.packet = withEnd(packet, side, after);
}

/** The kernel keeps a port that is allowed and free. That it is free cannot be known, and seldom matters. */
function wanted(before: End, { address, ports }: NonNullable<Passage["translation"]>, hasPort: boolean): End {
  const isKept = !hasPort || ports === undefined || (before.port >= ports[0] && before.port <= ports[1]);
  return { address: address ?? before.address, port: isKept ? before.port : ports[0] };
}

/** For answers: what the first packet's other side was before its translation. For later packets: its translation again. */
export function translateBack(passage: Passage, side: Side): void {
  const { connection, packet } = passage;
  if (connection === undefined) return;
  const known = connection.isReply ? connection.original : connection.reply;
  const after = known[opposite[side]];
  if (after.address.length === endOf(packet, side).address.length) passage.packet = withEnd(packet, side, after);
}
