/** Draws an answer: a box for each namespace that the packet passes, the failing hop marked, the sentence and the cure last. */
import type { Answer } from "../../explain/path/answer.ts";
import type { Hop } from "../../explain/path/walk.ts";
import { coloured, type Style } from "../output/colour.ts";
import { output, widthOf } from "../output/terminal.ts";
import { wrap } from "../output/wrap.ts";

const widthMax = 80;
const marks: Readonly<Record<Hop["verdict"], readonly [mark: string, style: Style]>> = {
  pass: ["✓", "good"],
  rewrite: ["↻", "unsure"],
  drop: ["✗", "bad"],
  unknown: ["?", "unsure"],
};
const titleWidth = 12;

interface Box {
  readonly where: string;
  readonly isBack: boolean;
  readonly hops: Hop[];
}

/** Lines of at most 80 characters, or of the terminal's width if that is less. */
export function pictureOf(answer: Answer, width = Math.min(widthMax, widthOf(output.standard))): string {
  const boxes: Box[] = [];
  const probed = answer.hops.filter(isOfProbe);
  for (const hop of answer.hops.filter((one) => !isOfProbe(one))) {
    const last = boxes.at(-1);
    if (last?.where === hop.where && last.isBack === hop.isBack) last.hops.push(hop);
    else boxes.push({ where: hop.where, isBack: hop.isBack, hops: [hop] });
  }
  const lines = [coloured("title", `${answer.from} → ${answer.to}`)];
  for (const [i, box] of boxes.entries()) {
    if (i > 0) lines.push(`   ${box.isBack ? "▲" : "▼"}`);
    lines.push(...boxLines(box, width));
  }
  if (probed.length > 0) lines.push(...probeLines(probed, width));
  return `${[...lines, ...endLines(answer, width)].join("\n")}\n`;
}

const isOfProbe = ({ what }: Hop) => what === "probe";

function boxLines({ where, isBack, hops }: Box, width: number): string[] {
  return framed(`${where}${isBack ? " (the way back)" : ""}`, hops, width);
}

/** The probe in one box: where it was seen, in order, and how it ended. */
function probeLines(hops: readonly Hop[], width: number): string[] {
  const rows = hops.map(({ where, says, isBack, ...rest }) => ({
    ...{ ...rest, where, isBack, what: where.replace(/^namespace /, ""), says: isBack ? `back: ${says}` : says },
  }));
  return framed("the probe", rows, width);
}

function framed(name: string, hops: readonly Hop[], width: number): string[] {
  const title = ` ${name} `;
  const inner = width - 4;
  const rows = hops.flatMap((hop) => hopLines(hop, inner));
  return [
    `┌─${coloured("title", title)}${"─".repeat(Math.max(0, width - 3 - Bun.stringWidth(title)))}┐`,
    ...rows.map(({ text, style }) => `│ ${coloured(style, text.padEnd(inner))} │`),
    `└${"─".repeat(width - 2)}┘`,
  ];
}

function hopLines({ what, says, verdict }: Hop, width: number): { text: string; style: Style | undefined }[] {
  const [mark, style] = marks[verdict];
  const head = `${mark} ${what.length > titleWidth ? `${what} ` : what.padEnd(titleWidth)} `;
  const isPlain = verdict === "pass";
  const wrapped = wrap(says, width - head.length);
  return wrapped.map((part, i) => ({
    text: `${i === 0 ? head : " ".repeat(head.length)}${part}`,
    style: isPlain ? undefined : style,
  }));
}

function endLines({ verdict, cause }: Answer, width: number): string[] {
  if (cause === null) return [coloured("good", "reachable")];
  const style: Style = verdict === "blocked" ? "bad" : "unsure";
  const sentence = wrap(`${verdict}: ${cause.what} (${cause.code}, ${cause.where})`, width);
  // A command is never broken: it is pasted.
  const cure = cause.cure === "" ? [] : [`cure: ${cause.cure}`];
  return [...sentence.map((line) => coloured(style, line)), ...cure];
}
