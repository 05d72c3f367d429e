/** A diagram as SVG. */
import type { Diagram } from "../diagram.ts";
import { type Attributes, rounded, tag } from "./box.ts";
import { type Form, pictureOf } from "./picture.ts";
import { style } from "./style.ts";

/** A slide or a page shows as much without making it smaller. */
const widthMax = 1240;

/** A file of its own, light or dark as the reader's page is. */
export async function svg(diagram: Diagram): Promise<string> {
  const own = { xmlns: "http://www.w3.org/2000/svg", role: "img" };
  return `${await svgElement(diagram, { widthMax, hasTitle: true }, own, tag("style", {}, style))}\n`;
}

/** The element alone, for a page that has the style; or with `before` as its first content. */
export async function svgElement(diagram: Diagram, form: Form, attributes: Attributes, before = ""): Promise<string> {
  const dagre = await import("@dagrejs/dagre");
  const { width, height, markup } = pictureOf(dagre, diagram, form);
  const size = { width: rounded(width), height: rounded(height), viewBox: `0 0 ${rounded(width)} ${rounded(height)}` };
  return tag("svg", { ...attributes, ...size }, before, tag("title", {}, `The lab ${diagram.lab}`), markup);
}
