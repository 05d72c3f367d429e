/**
 * How wide a text is drawn, before any browser sees it. Helvetica, Arial and Liberation Sans have the same widths; where
 * none is installed, DejaVu Sans or Verdana takes their place, which is wider. Each entry is the wider of the two, so a text
 * never leaves the room that it was given. Measured in Chromium.
 */

/** Thousandths of the font's size, and the characters that are at most so wide. */
type Widths = readonly (readonly [width: number, characters: string])[];

const plain: Widths = [
  [280, "'ijl"],
  [320, " ,.I·"],
  [360, "-/:;\\f|"],
  [400, "!()[]t"],
  [440, "r"],
  [520, '"*J`sz'],
  [600, "?L_c–kvxy"],
  [640, "0123456789$FTabdeghnopqu{}"],
  [720, "AEKPSVYBCRXZ"],
  [800, "HNU&DGOQ"],
  [880, "#+<=>^w~×±M"],
  [1000, "%Wm→…"],
];

const bold: Widths = [
  [360, "' ijl"],
  [400, ",./:;I\\|·"],
  [440, "-f"],
  [520, '!()[]t"*`r'],
  [600, "J_–csz"],
  [680, "?LEFTaekvxy"],
  [720, "0123456789$SYbdghnopqu{}"],
  [800, "BCPZAKRVX"],
  [880, "#+<=>DGHNU^~×±&OQ"],
  [1040, "w%@M→…m"],
  [1120, "W"],
];

/** Every usual monospaced font has characters of six tenths of its size. */
const monoWidth = 602;
const widest = 1120;

const tableOf = (widths: Widths) =>
  new Map(widths.flatMap(([width, characters]) => [...characters].map((one) => [one, width] as const)));

const tables = { plain: tableOf(plain), bold: tableOf(bold) };

export interface Font {
  readonly face: "plain" | "bold" | "mono";
  /** In pixels, as all lengths of a picture. */
  readonly size: number;
}

export function textWidth(text: string, { face, size }: Font): number {
  let sum = 0;
  for (const one of text) sum += face === "mono" ? monoWidth : (tables[face].get(one) ?? widest);
  return (sum * size) / 1000;
}

/** The text, or its beginning and end around `…`, so that it is at most so wide. */
export function shortened(text: string, font: Font, widthMax: number): string {
  if (textWidth(text, font) <= widthMax) return text;
  for (let kept = text.length - 1; kept > 2; kept--) {
    const head = Math.ceil(kept * 0.6);
    const cut = `${text.slice(0, head)}…${text.slice(text.length - (kept - head))}`;
    if (textWidth(cut, font) <= widthMax) return cut;
  }
  return "…";
}
