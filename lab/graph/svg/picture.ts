/** A diagram as one picture: outside, the hosts, and what is on them. */
import type { Diagram, Verdict } from "../diagram.ts";
import { type Attributes, at, type Box, classes, tag } from "./box.ts";
import { boxGap, comb, indent, spineX } from "./comb.ts";
import { nodeGap } from "./component.ts";
import { hostFrame, roomIn } from "./hostFrame.ts";
import { markAt, markRoom, text, widthOf } from "./words.ts";

type Dagre = typeof import("@dagrejs/dagre");

const margin = 20;
const headHeight = 40;
const footHeight = 26;

/** Its elements, without `<svg>`; and its size, which may be wider than `widthMax` where names or a topology ask for it. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly markup: string;
}

export interface Form {
  readonly widthMax: number;
  /** Whether it names the lab: a page around it does so itself. */
  readonly hasTitle: boolean;
}

/** Tries several widths of networks, and takes the one that makes the picture lowest. */
export function pictureOf(dagre: Dagre, diagram: Diagram, form: Form): Picture {
  const { widthMax } = form;
  const all = panelsInRow.map((count) => composed(dagre, diagram, form, count));
  const cost = ({ width, height }: Picture) => height + 4 * Math.max(0, width - widthMax);
  return all.reduce((best, one) => (cost(one) < cost(best) ? one : best));
}

const panelsInRow = [1, 2, 3, 4];

function composed(dagre: Dagre, diagram: Diagram, { widthMax, hasTitle }: Form, panelCount: number): Picture {
  const inside = widthMax - 2 * margin;
  const { hosts } = diagram;
  const cards = headOf(diagram);
  const hostsInRow = Math.min(hosts.length, Math.max(1, Math.floor(inside / hostWidthMin)));
  const forHosts = inside - (cards.height > 0 ? indent : 0);
  const hostWidth = (forHosts + boxGap) / hostsInRow - boxGap;
  const panelWidthMax = Math.max((roomIn(hostWidth) + nodeGap) / panelCount - nodeGap, 120);
  const frames = hosts.map((host) => hostFrame(dagre, diagram, host, { widthMax: hostWidth, panelWidthMax }));
  const below = cards.height > 0 ? comb(frames, inside, { class: "line uplink" }) : stacked(frames);
  const headTop = hasTitle ? headHeight : 0;
  const headBottom = headTop + cards.height;
  const width = Math.max(cards.width, below.width, hasTitle ? titleWidth(diagram) : 0) + 2 * margin;
  const legend = legendOf(diagram);
  const height = headBottom + below.height + 2 * margin + (legend === "" ? 0 : footHeight);
  const markup = [
    tag("rect", { class: "paper", width, height, rx: 16 }),
    hasTitle ? at(margin, margin, titleOf(diagram)) : "",
    at(margin, margin + headTop, cards.markup),
    at(margin, margin + headBottom, below.markup),
    at(margin, height - margin, legend),
  ];
  return { width, height, markup: markup.join("") };
}

const hostWidthMin = 330;

function stacked(frames: readonly Box[]): Omit<Box, "plugs"> {
  const gap = 16;
  let y = 0;
  const drawn = frames.map((one) => {
    const markup = at(0, y, one.markup);
    y += one.height + gap;
    return markup;
  });
  return { width: Math.max(0, ...frames.map(({ width }) => width)), height: y - gap, markup: drawn.join("") };
}

/** `2 networks · 3 pods · up` */
export const countsOf = ({ networks, pods, isUp }: Diagram) =>
  [
    counted(new Set(networks.map(({ name }) => name)).size, "network"),
    counted(pods.filter(({ isRouter }) => !isRouter).length, "pod"),
    ...(pods.some(({ isRouter }) => isRouter)
      ? [counted(pods.filter(({ isRouter }) => isRouter).length, "router")]
      : []),
    isUp ? "up" : "as in the file",
  ].join(" · ");

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

const titleGap = 12;

const titleWidth = (diagram: Diagram) => widthOf("title", diagram.lab) + titleGap + widthOf("label", countsOf(diagram));

const titleOf = (diagram: Diagram) =>
  text("title", 0, 18, diagram.lab) +
  text("label", widthOf("title", diagram.lab) + titleGap, 17, countsOf(diagram), { class: "faint" });

const cardHeight = 34;
const cardGap = 14;

/** Outside, and below it the underlay. */
function headOf({ outside, underlay }: Diagram): Omit<Box, "plugs"> {
  const cards = [
    ...(outside
      ? [headCard(outside, outside.addresses, outside.verdict, "outside", { "data-pod": outside.name })]
      : []),
    ...(underlay ? [headCard(underlay, underlay.notes, "none", "underlay", {})] : []),
  ];
  const drawn = cards.map(({ markup }, i) => at(0, i * (cardHeight + cardGap), markup));
  if (cards.length > 1) drawn.push(tag("path", { class: "line uplink", d: `M${spineX} ${cardHeight}v${cardGap}` }));
  return {
    width: Math.max(0, ...cards.map(({ width }) => width)),
    height: cards.length === 0 ? 0 : cards.length * (cardHeight + cardGap) - cardGap,
    markup: drawn.join(""),
  };
}

function headCard(
  { id, name }: { readonly id: string; readonly name: string },
  notes: readonly string[],
  verdict: Verdict,
  kind: string,
  more: Attributes,
) {
  let x = 14 + markRoom(verdict);
  const parts = [markAt(14, cardHeight / 2, verdict), text("name", x, 21.5, name)];
  x += widthOf("name", name) + 12;
  for (const note of notes) {
    parts.push(text("address", x, 21, note, { class: "faint" }));
    x += widthOf("address", note) + 10;
  }
  const card = tag("rect", { class: "card", width: x + 4, height: cardHeight, rx: cardHeight / 2 });
  return { width: x + 4, markup: tag("g", { id, class: classes(kind, verdict), ...more }, card, ...parts) };
}

const legendWords = { passed: "its tests passed", failed: "a test failed", untested: "in no test" } as const;

/** The meaning of the marks, once tests ran. */
function legendOf({ tests, outside, hosts, pods }: Diagram): string {
  if (!tests.some(({ verdict }) => verdict === "passed" || verdict === "failed")) return "";
  const seen = [...hosts, ...pods, ...(outside ? [outside] : [])].map(({ verdict }) => verdict);
  let x = 0;
  return (["passed", "failed", "untested"] as const)
    .filter((verdict) => seen.includes(verdict))
    .map((verdict) => {
      const after = x + markRoom(verdict);
      const drawn = markAt(x, -4, verdict) + text("label", after, 0, legendWords[verdict], { class: "faint" });
      x = after + widthOf("label", legendWords[verdict]) + 18;
      return drawn;
    })
    .join("");
}
