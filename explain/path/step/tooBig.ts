/**
 * A router reports a packet that is too big for the next link to its sender, which then sends smaller ones (RFC 1191,
 * RFC 8201). If the report is lost, small packets pass and large ones vanish.
 */
import { routeAnswerKind } from "../../../netlink/route/ask.ts";
import { stateBit, statusBit } from "../../rules/connection.ts";
import { addressOf, type Packet, protocolNumber, protocolOf } from "../../rules/packet.ts";
import { changesSegmentSize } from "../../rules/segmentSize.ts";
import { Blocked } from "../cause.ts";
import { reportOf } from "../packets.ts";
import type { Site } from "../site/site.ts";
import type { Walk } from "../walk.ts";

/** Throws Blocked if a report is needed and does not reach the sender; Undecided if that depends. */
export function reportTooBig(walk: Walk, site: Site, packet: Packet, { name, mtu }: Next): void {
  if (walk.isResolving || mtu === undefined || walk.fullBytes <= mtu || !Number.isFinite(walk.fullBytes)) return;
  const { fullBytes } = walk;
  walk.fullBytes = mtu;
  if (isMadeSmaller(walk, site, packet) || isTranslatedBefore(walk, site)) return;
  const sender = walk.isBack ? walk.receiver : walk.sender;
  const report = reportFrom(site, packet);
  if (sender === undefined || report === undefined) return;
  const what = `packets of ${fullBytes} bytes are too big for ${name} (MTU ${mtu}), and the report of it is lost`;
  try {
    apart(walk, () => walk.follow({ at: "send", site, packet: report }));
  } catch (error) {
    if (!(error instanceof Blocked)) throw error;
    const { where, what: because, cure } = error.reason;
    walk.note(site.where, "mtu", what, "drop");
    throw new Blocked({ code: "mtu", where, what: `${what}: ${because}`, cure });
  }
}

interface Next {
  readonly name: string;
  readonly mtu: number | undefined;
}

/** A rule that lowers the segment size of TCP (MSS clamping) makes reports unnecessary. */
const isMadeSmaller = (walk: Walk, site: Site, packet: Packet) =>
  protocolOf(packet) === protocolNumber.tcp &&
  [walk.sender, site, walk.world.host].some(({ ruleset }) => changesSegmentSize(ruleset));

/** The report would have to pass that translation backwards, which is not followed: it is taken to work. */
const isTranslatedBefore = (walk: Walk, site: Site) =>
  [...walk.connections].some(([one, { status }]) => one !== site && (status & statusBit.sourceNat) !== 0);

function reportFrom(site: Site, packet: Packet): Packet | undefined {
  const answer = site.ask({ destination: addressOf(packet, "source") });
  if ("errno" in answer || answer.kind !== routeAnswerKind.unicast || !answer.preferredSource) return undefined;
  return reportOf(packet, answer.preferredSource);
}

/** Follows another packet than that of the walk: it belongs to its connection, and leaves no hops. */
function apart(walk: Walk, follow: () => void): void {
  const { target, fullBytes } = walk;
  const connections = [...walk.connections];
  const hops = walk.hops.length;
  for (const [site, connection] of connections)
    walk.connections.set(site, { ...connection, state: stateBit.related, isReply: !connection.isReply });
  walk.fullBytes = 0;
  try {
    follow();
  } finally {
    walk.hops.length = hops;
    walk.target = target;
    walk.fullBytes = fullBytes;
    walk.connections.clear();
    for (const [site, connection] of connections) walk.connections.set(site, connection);
  }
}
