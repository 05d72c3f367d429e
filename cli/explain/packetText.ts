/** A traced packet as lines for a person, and as a line of JSON. */
import type { Header } from "../../explain/live/flow/header.ts";
import type { TracedPacket, Visit } from "../../explain/live/flow/packets.ts";
import { familyText, placeText } from "../../explain/rules/words.ts";
import { coloured, type Style } from "../output/colour.ts";
import { output, widthOf } from "../output/terminal.ts";
import { wrap } from "../output/wrap.ts";

const widthMax = 80;

/** The first line is the packet, and then come lines for each namespace. */
export function packetText(packet: TracedPacket, width = Math.min(widthMax, widthOf(output.standard))): string {
  const { header, timeMs, visits, dropped } = packet;
  const widest = Math.max(...visits.map(({ site }) => nameOf(site.where).length));
  const lines = [`${clock(timeMs)} ${coloured("title", headerText(header))}`];
  /** Lines after a head, or as many spaces. */
  const add = (head: string, text: string, style?: Style) => {
    for (const [i, part] of wrap(text, width - head.length).entries())
      lines.push(`${i === 0 ? head : " ".repeat(head.length)}${coloured(style, part)}`);
  };
  for (const visit of visits) {
    add(`  ${nameOf(visit.site.where).padEnd(widest)}  `, wayText(visit));
    for (const { place, verdict } of visit.steps) {
      const style = verdict === "drop" ? "bad" : "faint";
      add(" ".repeat(widest + 6), `${placeText(place)}: ${verdict}`, style);
    }
  }
  if (dropped !== undefined) add("  ", `dropped: ${dropText(dropped)}`, "bad");
  else if (visits.some(({ isDropped }) => isDropped)) add("  ", "dropped by the rule", "bad");
  return `${lines.join("\n")}\n`;
}

const clock = (timeMs: number) => {
  const time = new Date(timeMs);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
};

const nameOf = (where: string) => where.replace(/^namespace /, "");

const headerText = ({ protocol, source, destination, kind, length }: Header) =>
  [`${protocol} ${source} → ${destination}`, kind, `${length} bytes`].filter(Boolean).join(", ");

function wayText({ inDevice, outDevice, isDelivered, rewritten }: Visit): string {
  const words = [
    ...(inDevice === undefined ? [] : [`came by ${inDevice}`]),
    ...(rewritten === undefined ? [] : [`now ${rewritten.source} → ${rewritten.destination}`]),
    ...(outDevice === undefined ? [] : [`sent by ${outDevice}`]),
    ...(isDelivered ? ["delivered"] : []),
  ];
  return words.join(", ");
}

function dropText({ reason, place, says }: NonNullable<TracedPacket["dropped"]>): string {
  return `${says} (${[reason, `in ${place}`].filter(Boolean).join(", ")})`;
}

/** One line. */
export function packetJson({ header, timeMs, visits, dropped }: TracedPacket): string {
  const { source, destination, protocol, kind, length } = header;
  const path = visits.map(({ site, inDevice, outDevice, steps, isDelivered, rewritten }) => ({
    where: site.where,
    came: inDevice ?? null,
    sent: outDevice ?? null,
    delivered: isDelivered,
    rewritten: rewritten === undefined ? null : { from: rewritten.source, to: rewritten.destination },
    rules: steps.map(({ place, verdict }) => ({
      ...{ table: `${familyText(place.family)} ${place.table}`, chain: place.chain },
      ...{ handle: place.handle === undefined ? null : Number(place.handle), verdict },
    })),
  }));
  const byRule = visits.some(({ isDropped }) => isDropped);
  const drop =
    dropped === undefined
      ? byRule
        ? { reason: "NETFILTER_DROP", function: null, says: "a rule dropped it" }
        : null
      : { reason: dropped.reason, function: dropped.place, says: dropped.says };
  const event = { time: new Date(timeMs).toISOString(), protocol, from: source, to: destination, kind, length };
  return `${JSON.stringify({ ...event, path, dropped: drop })}\n`;
}
