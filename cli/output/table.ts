/**
 * Tables that fit the terminal. Each column says how it yields if the terminal is too narrow: by fewer characters, by
 * leaving, or never, because a person pastes its values into the next command. A pipe gets whole values.
 */
import { coloured, type Style } from "./colour.ts";
import { output, widthOf } from "./terminal.ts";

/** A list is shortened to its first values and the number of the others: `80/tcp,+2`. */
export type Cell = string | readonly string[];

export interface Column<Row> {
  readonly title: string;
  /** An empty cell is printed as `-`. */
  cell(row: Row): Cell;
  /** The column with the highest number yields first. Absent: it never yields. */
  readonly yields?: number;
  /** The least characters that are still useful. Absent: the column is left out instead of shortened. */
  readonly widthMin?: number;
  /** Only in a wide table. */
  readonly isExtra?: boolean;
  /** Numbers end at the same place. */
  readonly isNumber?: boolean;
  style?(row: Row): Style | undefined;
}

interface Shape {
  /** All columns, all values whole. */
  readonly isWide?: boolean | undefined;
  /** Characters; default: the terminal's. */
  readonly width?: number;
}

const gap = "  ";

/** The title and a line for each row. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], shape: Shape = {}): string {
  const { isWide = false, width = widthOf(output.standard) } = shape;
  const all = columns
    .filter(({ isExtra }) => isWide || !isExtra)
    .map((column): Laid<Row> => {
      const cells = rows.map((row) => column.cell(row));
      return {
        column,
        cells,
        width: Math.max(...[column.title, ...cells.map(textOf)].map((text) => Bun.stringWidth(text))),
      };
    });
  const laid = isWide ? all : fitting(all, width);
  const lines = [
    lineOf(
      laid,
      ({ column }) => column.title,
      () => "title",
    ),
    ...rows.map((row, i) =>
      lineOf(
        laid,
        ({ cells }) => cells[i]!,
        ({ column }) => column.style?.(row),
      ),
    ),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

interface Laid<Row> {
  readonly column: Column<Row>;
  /** One for each row. */
  readonly cells: readonly Cell[];
  /** Characters. */
  readonly width: number;
}

/** A container chooses some of the names, so they must not reach the terminal as control characters. */
function textOf(cell: Cell): string {
  const text = typeof cell === "string" ? cell : cell.join(",");
  return text.replace(/\p{Cc}/gu, "?") || "-";
}

/** In the order in which the columns yield, shortens or leaves out each; if that is not enough, leaves out the first. */
function fitting<Row>(all: readonly Laid<Row>[], width: number): readonly Laid<Row>[] {
  let over = totalOf(all) - width;
  let left = all;
  for (const one of yielding(all)) {
    if (over <= 0) break;
    const { widthMin } = one.column;
    const less = widthMin === undefined ? one.width + gap.length : Math.max(0, Math.min(over, one.width - widthMin));
    over -= less;
    left = left.flatMap((each) => {
      if (each.column !== one.column) return [each];
      return widthMin === undefined ? [] : [{ ...each, width: each.width - less }];
    });
  }
  const [first] = yielding(all);
  if (over > 0 && first !== undefined) {
    const others = all.filter((one) => one !== first);
    return fitting(others, width);
  }
  return grown(left, all, -over);
}

/** A column that was left out leaves room: the one that yields last gets it first. */
function grown<Row>(left: readonly Laid<Row>[], all: readonly Laid<Row>[], room: number): readonly Laid<Row>[] {
  let [rest, wider] = [room, left];
  for (const { column, width } of yielding(all).toReversed()) {
    const now = left.find((one) => one.column === column);
    const more = now === undefined ? 0 : Math.max(0, Math.min(rest, width - now.width));
    rest -= more;
    wider = wider.map((one) => (one.column === column ? { ...one, width: one.width + more } : one));
  }
  return wider;
}

/** Those that may yield, the first to do so first. */
function yielding<Row>(all: readonly Laid<Row>[]): readonly Laid<Row>[] {
  return all.filter(({ column }) => column.yields !== undefined).sort((a, b) => b.column.yields! - a.column.yields!);
}

const totalOf = (all: readonly { readonly width: number }[]): number =>
  all.reduce((sum, { width }) => sum + width, gap.length * (all.length - 1));

function lineOf<Row>(
  laid: readonly Laid<Row>[],
  cellOf: (one: Laid<Row>) => Cell,
  styleOf: (one: Laid<Row>) => Style | undefined,
): string {
  const parts = laid.map((one, i) => {
    const text = shortened(cellOf(one), one.width);
    const space = " ".repeat(one.width - Bun.stringWidth(text));
    const shown = coloured(styleOf(one), text);
    if (one.column.isNumber) return space + shown;
    return i === laid.length - 1 ? shown : shown + space;
  });
  return parts.join(gap);
}

/** A cell in at most `width` characters. */
function shortened(cell: Cell, width: number): string {
  const text = textOf(cell);
  if (Bun.stringWidth(text) <= width) return text;
  if (typeof cell !== "string") {
    for (let count = cell.length - 1; count > 0; count--) {
      const some = `${textOf(cell.slice(0, count))},+${cell.length - count}`;
      if (Bun.stringWidth(some) <= width) return some;
    }
  }
  return cut(text, width);
}

/** Ends in a character that says that more follows. */
function cut(text: string, width: number): string {
  let kept = text;
  while (Bun.stringWidth(kept) > width - 1) kept = kept.slice(0, -1);
  return `${kept}…`;
}
