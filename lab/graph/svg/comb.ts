/**
 * Boxes in rows below one line, like the teeth of a comb: pods on a bridge, bridges on a host, hosts on an underlay. The
 * line comes from above at the left, and branches to each box that is plugged in.
 */
import { type Attributes, at, type Box, path, rounded, tag } from "./box.ts";

/** The line from above is here. */
export const spineX = 14;
export const indent = 30;
export const boxGap = 14;
/** From the row before to the line, and from there to the boxes. */
const aboveLine = 12;
export const belowLine = 13;

export interface Comb {
  readonly width: number;
  readonly height: number;
  readonly markup: string;
}

/** `line` has the attributes of the line that all share. The comb begins at its spine's upper end, at y = 0. */
export function comb(boxes: readonly Box[], widthMax: number, line: Attributes): Comb {
  const rows = rowsOf(boxes, widthMax - indent);
  const drawn: string[] = [];
  let y = 0;
  let spineEnd = 0;
  let width = 0;
  for (const row of rows) {
    const lineY = y + aboveLine;
    const top = lineY + belowLine;
    let x = indent;
    let reach: number | undefined;
    for (const box of row) {
      for (const plug of box.plugs) {
        reach = x + plug.x;
        drawn.push(
          tag("path", {
            ...plug.line,
            d: path([
              [reach, lineY],
              [reach, top],
            ]),
          }),
        );
      }
      drawn.push(at(x, top, box.markup));
      x += box.width + boxGap;
    }
    if (reach !== undefined) {
      spineEnd = lineY;
      drawn.unshift(
        tag("path", {
          ...line,
          d: path([
            [spineX, lineY],
            [reach, lineY],
          ]),
        }),
      );
    }
    width = Math.max(width, x - boxGap);
    y = top + Math.max(...row.map(({ height }) => height));
  }
  if (spineEnd > 0) drawn.unshift(tag("path", { ...line, d: `M${spineX} 0V${rounded(spineEnd)}` }));
  return { width, height: y, markup: drawn.join("") };
}

/** As many boxes in a row as fit; rows of about the same length. */
function rowsOf(boxes: readonly Box[], widthMax: number): Box[][] {
  const greedy = filled(boxes, widthMax);
  const perRow = Math.ceil(boxes.length / Math.max(1, greedy.length));
  const even = Array.from({ length: greedy.length }, (_, i) => boxes.slice(i * perRow, (i + 1) * perRow));
  const fits = even.every((row) => row.length > 0 && widthOf(row) <= widthMax);
  return fits ? even : greedy;
}

function filled(boxes: readonly Box[], widthMax: number): Box[][] {
  const rows: Box[][] = [];
  for (const box of boxes) {
    const row = rows.at(-1);
    if (row && widthOf([...row, box]) <= widthMax) row.push(box);
    else rows.push([box]);
  }
  return rows;
}

const widthOf = (row: readonly Box[]) => row.reduce((sum, { width }) => sum + width + boxGap, -boxGap);
