/** The chart and the tables of docs/performance.md, from the figures of `npm run bench -- --record`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Figures } from "../../bench/tables.ts";

export interface Recorded {
  /** Date, kernel, processors and number of runs. */
  readonly machine: string;
  readonly calls: readonly Figures[];
  /** In Markdown. */
  readonly tables: Readonly<Record<string, string>>;
}

export const recorded = (): Recorded =>
  JSON.parse(readFileSync(join(import.meta.dirname, "../../docs/figures.json"), "utf8"));

type Call = Pick<Figures, "label" | "verb" | "ipMasq" | "pods">;

export function wallMs({ calls }: Recorded, { label, verb, ipMasq, pods }: Call): number {
  const found = calls.find(
    (one) => one.label === label && one.verb === verb && one.ipMasq === ipMasq && one.pods === pods,
  );
  if (found === undefined) throw new Error(`docs/figures.json has no ${verb} of ${label} with ${pods} pods`);
  return found.wallMs;
}

const [width, barHeight, gap, labelWidth, valueWidth] = [760, 16, 4, 190, 80] as const;
/** Around everything. */
const margin = 12;
const names = [
  ["agent", "ns-net with agent"],
  ["ns-net", "ns-net without agent"],
  ["reference", "standard plugins"],
] as const;

const style = `<style>
svg { font: 12px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
text { fill: #1f2328; }
.title { font-weight: 600; font-size: 13px; }
.small { fill: #57606a; }
.agent { fill: #2f6fc4; }
.ns-net { fill: #8fbcf2; }
.reference { fill: #afb8c1; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.small { fill: #9da7b1; }
.agent { fill: #6aaafb; }
.ns-net { fill: #2f5f9e; }
.reference { fill: #57606a; }
}
</style>`;

/** ADD without containers and with 200, and DEL, each with and without NAT. */
const shown = [
  { verb: "add", pods: 0 },
  { verb: "add", pods: 200 },
  { verb: "del", pods: 0 },
] as const;

export function speedChart(from: Recorded): string {
  const groups = shown.flatMap(({ verb, pods }) =>
    [true, false].map((ipMasq) => ({
      title: `${verb.toUpperCase()}${ipMasq ? " with NAT" : ""}, ${pods} containers attached`,
      bars: names.map(([label, name]) => ({ label, name, ms: wallMs(from, { label, verb, ipMasq, pods }) })),
    })),
  );
  const longest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ ms }) => ms)));
  const scale = (width - labelWidth - valueWidth) / longest;
  const lines: string[] = [];
  let y = 16;
  for (const { title, bars } of groups) {
    lines.push(`<text class="title" x="0" y="${y}">${title}</text>`);
    y += 8;
    for (const { label, name, ms } of bars) {
      const length = Number((ms * scale).toFixed(1));
      lines.push(
        `<text class="small" x="${labelWidth - 10}" y="${y + 12}" text-anchor="end">${name}</text>`,
        `<rect class="${label}" x="${labelWidth}" y="${y}" width="${length}" height="${barHeight}" rx="3"/>`,
        `<text x="${Number((labelWidth + length + 6).toFixed(1))}" y="${y + 12}">${ms.toFixed(1)} ms</text>`,
      );
      y += barHeight + gap;
    }
    y += 20;
  }
  const [fullWidth, height] = [width + 2 * margin, y + 2 * margin];
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${-margin} ${-margin} ${fullWidth} ${height}" width="${fullWidth}" height="${height}" role="img" aria-labelledby="title">`,
    '<title id="title">Milliseconds of ADD and DEL: ns-net with its agent, ns-net, and the standard plugins</title>',
    style,
    ...lines,
    `<text class="small" x="0" y="${y}">${from.machine}</text>`,
    "</svg>",
  ].join("\n")}\n`;
}
