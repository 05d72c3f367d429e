/** Help as text that fits a terminal of 80 columns. */
import type { Command } from "./command.ts";

const width = 80;
const indent = "  ";

/** All about one command, from its definition. */
export function help(name: string, { about, usage, options, more }: Command): string {
  const rows = Object.entries(options).map(([key, { short, value, about: words }]): [string, string] => [
    `${short ? `-${short}, ` : ""}--${key}${value ? ` ${value}` : ""}`,
    words,
  ]);
  const line = `Usage: ns-net ${name} ${usage}`.trimEnd();
  return `${filled(about)}\n\n${line}\n\n${explained([...rows, ["--help", "this text"]])}${more ? `\n${notesOf(more)}\n` : ""}`;
}

/** Longer help: examples, which are indented, as they are; paragraphs filled. Without empty lines around it. */
export function notesOf(more: string): string {
  const lines: string[] = [];
  let paragraph: string[] = [];
  const end = () => {
    if (paragraph.length > 0) lines.push(filled(paragraph.join(" ")));
    paragraph = [];
  };
  for (const line of more.replace(/^\n+/, "").trimEnd().split("\n")) {
    if (line === "" || line.startsWith(" ")) {
      end();
      lines.push(line);
    } else {
      paragraph.push(line);
    }
  }
  end();
  return lines.join("\n");
}

/** Words and their explanations in two columns. */
export function explained(rows: readonly (readonly [words: string, text: string])[]): string {
  const left = Math.max(...rows.map(([words]) => words.length));
  const before = indent.length + left + indent.length;
  return rows
    .flatMap(([words, text]) => wrapped(text, width - before).map((line, i) => [i === 0 ? words : "", line] as const))
    .map(([words, line]) => `${indent}${words.padEnd(left)}${indent}${line}\n`)
    .join("");
}

/** A paragraph with lines as long as fit. */
function filled(text: string): string {
  return wrapped(text.replace(/\n/g, " "), width).join("\n");
}

function wrapped(text: string, most: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line !== "" && line.length + 1 + word.length > most) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
