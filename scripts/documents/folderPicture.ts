/** Draws docs/pictures/folders.svg: the folders of the sources in their layers. */
import { floors } from "../setup/folders.mjs";

const about: Readonly<Record<string, string>> = {
  "main.ts": "plugin or command line",
  cli: "commands, output",
  lab: "networks from a file",
  agent: "serves calls, heals",
  explain: "why A reaches B or not",
  plugin: "the verbs: ADD DEL CHECK GC STATUS",
  plan: "an attachment as steps; pure",
  step: "a file a kind of step",
  reference: "what other plugins leave",
  ipam: "who has which address",
  kernel: "the host and one container",
  store: "SQLite: entries, leases",
  netlink: "the kernel's language",
  conf: "what comes in and goes out",
  sys: "system calls",
  ip: "addresses as values",
};

/** The plan as data, the one idea of the whole. */
const marked: readonly string[] = ["plan", "step"];

const [width, height, gap, left, margin] = [640, 34, 8, 10, 60] as const;

const style = `<style>
svg { font: 13px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
text { fill: #1f2328; }
.name { font-weight: 600; }
.small { font-size: 12px; fill: #57606a; }
.box { fill: #f6f8fa; stroke: #d0d7de; }
.marked { fill: #dbe9fb; stroke: #4a86d4; }
.way { fill: none; stroke: #8c959f; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.small { fill: #9da7b1; }
.box { fill: #161b22; stroke: #444c56; }
.marked { fill: #16304f; stroke: #5b9df0; }
.way { stroke: #8b949e; }
}
</style>`;

export function folderPicture(): string {
  const size = { x: width + margin + left, y: floors.length * (height + gap) + gap };
  const boxes = floors.flatMap((row, i) => {
    const each = (width - gap * (row.length - 1)) / row.length;
    return row.map((name, j) => box(name, left + j * (each + gap), gap + i * (height + gap), each));
  });
  const arrow = width + 34;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.x} ${size.y}" width="${size.x}" height="${size.y}" role="img" aria-labelledby="title">`,
    '<title id="title">The folders of ns-net in layers. A file imports from its own folder and from the layers below.</title>',
    style,
    ...boxes,
    `<path class="way" d="M${arrow} ${gap + 4}V${size.y - gap - 4}m-5 -8l5 8l5 -8"/>`,
    `<text class="small" x="${arrow + 6}" y="${size.y / 2}" transform="rotate(90 ${arrow + 10} ${size.y / 2})" text-anchor="middle">imports</text>`,
    "</svg>",
  ].join("\n")}\n`;
}

function box(name: string, x: number, y: number, each: number): string {
  return [
    `<rect class="${marked.includes(name) ? "marked" : "box"}" x="${x}" y="${y}" width="${each}" height="${height}" rx="7"/>`,
    `<text class="name" x="${x + 14}" y="${y + 22}">${name.replace(".ts", "")}</text>`,
    `<text class="small" x="${x + each - 14}" y="${y + 22}" text-anchor="end">${about[name]}</text>`,
  ].join("\n");
}
