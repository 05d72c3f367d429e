/**
 * A page of the documents, as what a reader types. Its blocks of commands (```sh) and of commands with their output
 * (```console) are one session, from top to bottom. Comments are for the test alone: `<!-- set-up … -->` is
 * typed as well, `<!-- not typed: REASON -->` before a block leaves it out, and `<!-- within … -->` runs the session as
 * "$@" of a script.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** A command and the output that the page shows. */
export interface Typed {
  readonly line: number;
  readonly command: string;
  /** Absent: the page shows none, and the command must succeed. */
  readonly shown?: string | undefined;
}

export interface Left {
  readonly line: number;
  readonly because: string;
}

export interface Page {
  readonly file: string;
  readonly text: string;
  readonly typed: readonly Typed[];
  readonly left: readonly Left[];
  readonly within?: string | undefined;
}

const pieces = /^<!-- set-up\n([\s\S]*?)\n?-->|^(?:<!-- not typed: (.*?) -->\n\n?)?```(sh|console)\n([\s\S]*?)^```/gm;

export const pageOf = (file: string): Page => pageFrom(file, readFileSync(join(root, file), "utf8"));

export function pageFrom(file: string, text: string): Page {
  const typed: Typed[] = [];
  const left: Left[] = [];
  for (const { 0: whole, 1: setUp, 2: because, 3: language, 4: block, index } of text.matchAll(pieces)) {
    const line = text.slice(0, index).split("\n").length;
    if (setUp !== undefined) typed.push({ line, command: setUp });
    else if (because !== undefined) left.push({ line, because });
    else if (language === "sh") typed.push({ line, command: block! });
    else typed.push(...transcript(block!, line + whole.split("\n").length - block!.split("\n").length - 1));
  }
  return { file, text, typed, left, within: /^<!-- within\n([\s\S]*?)\n-->/m.exec(text)?.[1] };
}

/** Commands begin with `$ `, and go on after a backslash at the end of a line. */
function transcript(block: string, line: number): Typed[] {
  const found: { line: number; command: string; shown: string }[] = [];
  for (const [i, text] of block.replace(/\n$/, "").split("\n").entries()) {
    const last = found.at(-1);
    if (text.startsWith("$ ")) found.push({ line: line + i + 1, command: text.slice(2), shown: "" });
    else if (last?.shown === "" && last.command.endsWith("\\")) last.command += `\n${text}`;
    else if (last) last.shown += `${text}\n`;
    else throw new Error(`${line + i + 1}: a block of commands with output begins with "$ "`);
  }
  return found;
}

/** The page with `outputs` in the place of what it shows, one for each command of ```console; undefined: with none. */
export function withOutputs(page: Page, outputs: readonly string[] | undefined): string {
  const left = outputs && [...outputs];
  return page.text.replace(pieces, (whole, _setUp, because, language, block) => {
    if (language !== "console" || because !== undefined) return whole;
    const lines = transcript(block, 0).map(({ command }) => `$ ${command}\n${left?.shift() ?? ""}`);
    return whole.replace(block, () => lines.join(""));
  });
}
