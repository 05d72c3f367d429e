/** The page of `ns-net doctor`: a line for each finding, and the cure below what is wrong. */
import type { Examined } from "../../explain/doctor/examine.ts";
import { type Status, statuses } from "../../explain/doctor/finding.ts";
import { coloured, type Style } from "../output/colour.ts";
import { output, widthOf } from "../output/terminal.ts";
import { wrap } from "../output/wrap.ts";

const widthMax = 80;
const widthMin = 40;

const marks: Readonly<Record<Status, readonly [mark: string, style: Style]>> = {
  ok: ["✓", "good"],
  skipped: ["-", "faint"],
  warn: ["!", "unsure"],
  fail: ["✗", "bad"],
};

/** Lines of at most 80 characters, or of the terminal's width if that is less. A cure is never broken: it is pasted. */
export function pageOf(all: readonly Examined[], width = Math.min(widthMax, widthOf(output.standard))): string {
  const title = Math.max(...all.map(({ id }) => id.length));
  const indent = " ".repeat(title + 4);
  const lines = all.flatMap(({ id, status, says, cure }) => {
    const [mark, style] = marks[status];
    const text = wrap(says, Math.max(widthMin, width) - indent.length);
    const isPlain = status === "ok";
    return [
      ...text.map((part, i) => {
        const head = i === 0 ? `${coloured(style, mark)} ${id.padEnd(title)}  ` : indent;
        return `${head}${coloured(isPlain ? undefined : style, part)}`;
      }),
      ...(cure === "" ? [] : [`${indent}cure: ${cure}`]),
    ];
  });
  return `${[...lines, "", sumOf(all)].join("\n")}\n`;
}

function sumOf(all: readonly Examined[]): string {
  const parts = statuses.toReversed().flatMap((status) => {
    const count = all.filter((one) => one.status === status).length;
    return count === 0 ? [] : [coloured(marks[status][1], `${count} ${status}`)];
  });
  return parts.join(", ");
}
