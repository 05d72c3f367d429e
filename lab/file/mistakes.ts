/** Mistakes in a lab file: each with its place, so that all can be shown at once, with the line and a caret. */

/** Offsets into the text: the first character, and the one after the last. */
export type Place = readonly [start: number, end: number];

/** A value with its place in the file. */
export interface Located<T> {
  readonly value: T;
  readonly at: Place;
}

export interface Mistake {
  readonly at: Place;
  /** A sentence without full stop. */
  readonly message: string;
  /** A better text for the file. */
  readonly suggestion?: string | undefined;
}

/** A file as a person named it, and its text. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

/** The file has mistakes. The message is what a person reads: all of them in the order of the file. */
export class BadLabFile extends Error {
  /** In the order of the file. */
  readonly mistakes: readonly Mistake[];

  constructor(source: Source, mistakes: readonly Mistake[]) {
    const inOrder = [...mistakes].sort((a, b) => a.at[0] - b.at[0]);
    super(mistakesText(source, inOrder));
    this.name = "BadLabFile";
    this.mistakes = inOrder;
  }
}

/** Line and column of an offset, both from 1; a column counts characters as an editor does. */
export function positionOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: [...before.slice(before.lastIndexOf("\n") + 1)].length + 1 };
}

const mistakesMax = 50;

/** `FILE:LINE:COLUMN: message`, the line, a caret below the place, and the suggestion; for each mistake. */
function mistakesText(source: Source, mistakes: readonly Mistake[]): string {
  const texts = mistakes.slice(0, mistakesMax).map((one) => mistakeText(source, one));
  if (mistakes.length > mistakesMax) texts.push(`${mistakes.length - mistakesMax} more mistakes are not shown\n`);
  return texts.join("\n");
}

function mistakeText({ file, text }: Source, { at, message, suggestion }: Mistake): string {
  const { line, column } = positionOf(text, at[0]);
  const { shown, caret } = partAround([...text.split("\n")[line - 1]!.replace(/\r$/, "")], column - 1);
  // A tab moves the caret as far as it moves the text above it.
  const indent = shown.slice(0, caret).map((letter) => (letter === "\t" ? "\t" : " "));
  const length = Math.max(1, Math.min([...text.slice(...at)].length, shown.length - caret));
  return [
    `${file}:${line}:${column}: ${message}`,
    `  ${shown.join("")}`,
    `  ${indent.join("")}${"^".repeat(length)}`,
    ...(suggestion ? [`  ${suggestion}`] : []),
  ]
    .map((row) => `${row.trimEnd()}\n`)
    .join("");
}

const shownMax = 120;

/** A long line is shown around the caret, with "…" where it is cut. */
function partAround(letters: readonly string[], caret: number) {
  if (letters.length <= shownMax) return { shown: letters, caret };
  const start = Math.max(0, Math.min(caret - shownMax / 3, letters.length - shownMax));
  const shown = letters.slice(start, start + shownMax);
  if (start > 0) shown[0] = "…";
  if (start + shownMax < letters.length) shown[shownMax - 1] = "…";
  return { shown, caret: caret - start };
}
