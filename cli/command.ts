/** A command is data. Parsing, help and completion read it. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { code, Fault } from "../conf/fault.ts";
import { nearest } from "../conf/nearest.ts";

interface Option {
  readonly type: "string" | "boolean";
  readonly about: string;
  /** The placeholder of the value in help: `--ip ADDRESS`. */
  readonly value?: string;
  readonly short?: string;
  readonly multiple?: boolean;
}

export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O["multiple"] extends true ? string[] : O["type"] extends "boolean" ? boolean : string;

interface Parsed<O extends Options> {
  readonly options: { readonly [K in keyof O]?: ValueOf<O[K]> };
  readonly operands: readonly string[];
  /** The words after `--`, or of a command without it. */
  readonly rest: readonly string[];
}

export interface Command<O extends Options = Options> {
  /** One line. */
  readonly about: string;
  /** The words after the command's name: `<netns> [-- command]`. */
  readonly usage: string;
  readonly options: O;
  /** The least and the greatest number of operands. */
  readonly operands: readonly [least: number, most: number];
  /** The words after the operands are a command with words of its own, with or without `--` before it. */
  readonly takesCommand?: boolean;
  /** Longer help: examples. */
  readonly more?: string;
  /** Answers the exit code. `everyCommand` loads all commands, for those that describe them. */
  run(parsed: Parsed<O>, everyCommand: () => Promise<readonly Described[]>): number | Promise<number>;
}

/** A command as completion and the manual page describe it. */
export interface Described {
  readonly name: string;
  /** One line, as in the overview. */
  readonly about: string;
  readonly definition: Command;
}

/** Types flow from `options` into `run`. */
export function command<const O extends Options>(definition: Command<O>): Command<O> {
  return definition;
}

/** A usage error: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The user's command cannot be run. */
export class NotRun extends Fault {
  /** The exit code of shells: 126 if it cannot be run, 127 if it does not exist. */
  readonly exitCode: number;

  constructor(exitCode: number, message: string, cure: string) {
    super(code.config, message, cure);
    this.exitCode = exitCode;
  }
}

export function parse<O extends Options>(definition: Command<O>, name: string, words: readonly string[]): Parsed<O> {
  const { own, rest } = divided(definition, words);
  try {
    const config: ParseArgsConfig = {
      args: [...own],
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(definition.options).map(([key, { type, short, multiple }]) => [
          key,
          { type, ...(short && { short }), ...(multiple && { multiple }) },
        ]),
      ),
    };
    const { values, positionals } = parseArgs(config);
    refuseEmpty(values, name);
    const [least, most] = definition.operands;
    if (positionals.length < least || positionals.length > most)
      throw new UsageError(`usage: ns-net ${name} ${definition.usage}`.trimEnd());
    return { options: values as Parsed<O>["options"], operands: positionals, rest };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const message = (error as Error).message.split(". ")[0]!;
    const hint = definition.takesCommand
      ? ` (its own options come first; a command that begins with "-" needs "--" before it)`
      : "";
    const [, unknown = ""] = /^Unknown option '--([^']*)'/.exec(message) ?? [];
    const meant = nearest(unknown, Object.keys(definition.options));
    throw new UsageError(
      `${message}${hint}; ${meant === undefined ? `see: ns-net ${name} --help` : `did you mean --${meant}?`}`,
    );
  }
}

/** Divides the words into those of ns-net, and those of a command that ns-net runs. */
export function divided(
  { takesCommand, operands, options }: Pick<Command, "takesCommand" | "operands" | "options">,
  words: readonly string[],
): { readonly own: readonly string[]; readonly rest: readonly string[] } {
  let found = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--") return { own: words.slice(0, at), rest: words.slice(at + 1) };
    if (word.startsWith("-")) {
      if (optionNamed(options, word)?.type === "string") at++; // its value is the next word
    } else if (takesCommand && ++found > operands[1]) {
      return { own: words.slice(0, at), rest: words.slice(at) };
    }
  }
  return { own: words, rest: [] };
}

/** The option of `--name` or `-n`; not of `--name=value`, which needs no further word. */
function optionNamed(options: Options, word: string): Option | undefined {
  if (word.startsWith("--")) return Object.hasOwn(options, word.slice(2)) ? options[word.slice(2)] : undefined;
  return Object.values(options).find(({ short }) => short === word.slice(1));
}

/** Refuses empty values: `--ip "$ADDRESS"` with an empty variable requests something without naming it. */
function refuseEmpty(values: object, name: string): void {
  const empty = Object.entries(values).find(([, value]) => [value].flat().includes(""));
  if (empty)
    throw new UsageError(`--${empty[0]} needs a value, and was given an empty one; see: ns-net ${name} --help`);
}

/** Rows of text, each column as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[], indent = ""): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) => `${indent}${row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ")}`.trimEnd() + "\n")
    .join("");
}
