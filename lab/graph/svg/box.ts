/** Parts of a picture: each draws itself at 0, 0 and says how large it is. Lengths are in pixels. */

export interface Box {
  readonly width: number;
  readonly height: number;
  readonly markup: string;
  /** Where lines from above meet its top side. */
  readonly plugs: readonly Plug[];
}

export interface Plug {
  readonly x: number;
  /** Further attributes of the line: classes, the id of its edge. */
  readonly line: Attributes;
}

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An element of SVG. Attributes that are undefined or empty are left out. */
export function tag(name: string, attributes: Attributes, ...content: readonly string[]): string {
  const all = Object.entries(attributes)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? rounded(value) : escaped(String(value))}"`);
  const inside = content.join("");
  return inside === "" ? `<${name}${all.join("")}/>` : `<${name}${all.join("")}>${inside}</${name}>`;
}

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

export const at = (x: number, y: number, markup: string): string =>
  x === 0 && y === 0 ? markup : tag("g", { transform: `translate(${rounded(x)} ${rounded(y)})` }, markup);

/** A tenth of a pixel is enough. */
export const rounded = (value: number): number => Math.round(value * 10) / 10;

export const classes = (...names: readonly (string | false | undefined)[]): string => names.filter(Boolean).join(" ");

/** A path along points, of which each line is horizontal or vertical. */
export const path = (points: readonly (readonly [x: number, y: number])[]): string =>
  points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${rounded(x)} ${rounded(y)}`).join("");
