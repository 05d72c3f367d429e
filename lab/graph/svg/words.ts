/** Texts, marks and labels, each with the room that it takes. */
import type { Verdict } from "../diagram.ts";
import { type Attributes, at, classes, escaped, tag } from "./box.ts";
import { type Font, textWidth } from "./textWidth.ts";

export const fonts = {
  title: { face: "bold", size: 18 },
  name: { face: "bold", size: 13 },
  address: { face: "mono", size: 11 },
  label: { face: "plain", size: 10.5 },
} as const satisfies Readonly<Record<string, Font>>;

export type FontName = keyof typeof fonts;

/** `y` is the base line. */
export const text = (font: FontName, x: number, y: number, content: string, more: Attributes = {}): string =>
  tag("text", { ...more, class: classes(font, more["class"] as string | undefined), x, y }, escaped(content));

export const widthOf = (font: FontName, content: string): number => textWidth(content, fonts[font]);

export const labelHeight = 17;
const labelPadding = 6;
export const labelGap = 4;

/** A label with a border. `kind` is a class: `serve`, `publish`, `note`, `impaired`, `down`, `router`. */
export interface Label {
  readonly kind: string;
  readonly content: string;
}

export const labelWidth = ({ content }: Label): number => widthOf("label", content) + 2 * labelPadding;

const centred = { "text-anchor": "middle" };

export function labelAt(x: number, y: number, label: Label): string {
  const box = tag("rect", { width: labelWidth(label), height: labelHeight, rx: labelHeight / 2 });
  return at(
    x,
    y,
    tag(
      "g",
      { class: classes("label", label.kind) },
      box,
      text("label", labelWidth(label) / 2, 12, label.content, centred),
    ),
  );
}

/** Labels side by side, in as many lines as `widthMax` asks for. */
export function labelLines(labels: readonly Label[], widthMax: number): Label[][] {
  const lines: Label[][] = [];
  for (const label of labels) {
    const line = lines.at(-1);
    if (line && lineWidth([...line, label]) <= widthMax) line.push(label);
    else lines.push([label]);
  }
  return lines;
}

export const lineWidth = (labels: readonly Label[]): number =>
  labels.reduce((sum, label) => sum + labelWidth(label) + labelGap, -labelGap);

export function labelsAt(x: number, y: number, labels: readonly Label[]): string {
  let next = x;
  return labels
    .map((label) => {
      const markup = labelAt(next, y, label);
      next += labelWidth(label) + labelGap;
      return markup;
    })
    .join("");
}

const markRadius = 5.5;

const strokes = {
  passed: "M-2.6 0.2L-0.7 2.2L2.8 -2",
  failed: "M-2.1 -2.1L2.1 2.1M2.1 -2.1L-2.1 2.1",
  untested: undefined,
} as const;

/** From its beginning to that of the name after it. */
export const markRoom = (verdict: Verdict): number => (verdict === "none" ? 0 : 2 * markRadius + 7);

/** A disc with a tick or a cross, or an empty one: by shape, too, not by colour alone. `x` is its left side. */
export function markAt(x: number, y: number, verdict: Verdict): string {
  if (verdict === "none") return "";
  const d = strokes[verdict];
  const sign = d === undefined ? "" : tag("path", { d });
  const circle = tag("circle", { r: markRadius });
  return at(x + markRadius, y, tag("g", { class: classes("mark", verdict) }, circle, sign));
}
