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
  readonly mistakes: readonly Mistake[];

  constructor(source: Source, mistakes: readonly Mistake[]) {
    super(mistakesText(source, mistakes));
    this.name = "BadLabFile";
    this.mistakes = mistakes;
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
  const inOrder = [...mistakes].sort((a, b) => a.at[0] - b.at[0]);
  const texts = inOrder.slice(0, mistakesMax).map((one) => mistakeText(source, one));
  if (inOrder.length > mistakesMax) texts.push(`${inOrder.length - mistakesMax} more mistakes are not shown\n`);
  return texts.join("\n");
}

function mistakeText({ file, text }: Source, { at, message, suggestion }: Mistake): string {
  const { line, column } = positionOf(text, at[0]);
  const whole = text.split("\n")[line - 1]!.replace(/\r$/, "");
  // A tab moves the caret as far as it moves the text above it.
  const indent = [...whole].slice(0, column - 1).map((letter) => (letter === "\t" ? "\t" : " "));
  const length = Math.max(1, Math.min([...text.slice(...at)].length, [...whole].length - column + 1));
  return [
    `${file}:${line}:${column}: ${message}`,
    `  ${whole}`,
    `  ${indent.join("")}${"^".repeat(length)}`,
    ...(suggestion ? [`  ${suggestion}`] : []),
  ]
    .map((row) => `${row.trimEnd()}\n`)
    .join("");
}
