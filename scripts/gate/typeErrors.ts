/** The compiler's complaints, the cause first. */
import { dirname, join } from "node:path";
import { causesFirst } from "../setup/causes.mjs";

export interface TypeError {
  readonly file: string;
  /** `TS2307` */
  readonly code: string;
  /** All its lines, as the compiler printed them. */
  readonly text: string;
}

/** From the output of `tsc --pretty false`: `file(line,column): error TS2307: …`, and indented lines that belong to it. */
export function typeErrorsIn(output: string): TypeError[] {
  const errors: TypeError[] = [];
  for (const line of output.split("\n")) {
    const { file, code } = /^(?<file>[^(\s]+)\(\d+,\d+\): error (?<code>TS\d+): /.exec(line)?.groups ?? {};
    const last = errors.at(-1);
    if (file && code) errors.push({ file, code, text: line });
    else if (last && /^\s+\S/.test(line)) errors[errors.length - 1] = { ...last, text: `${last.text}\n${line}` };
  }
  return errors;
}

/**
 * How likely an error is to be the cause of others. TS1xxx: the file cannot be read as TypeScript. TS2307: a module does
 * not exist. TS6133 and its like: something is not used, often because what would use it has another error.
 */
function distance({ code }: TypeError): number {
  if (/^TS1\d{3}$/.test(code)) return 0;
  if (code === "TS2307") return 1;
  return /^TS61(33|92|96|98)$/.test(code) ? 3 : 2;
}

/**
 * The likely causes first. Among equals, a file before those that import it, directly or through others with errors; otherwise the
 * lower folder first. `importsOf` answers the files that a file imports.
 */
export function inOrder(errors: readonly TypeError[], importsOf: (file: string) => readonly string[]): TypeError[] {
  const files = causesFirst([...new Set(errors.map(({ file }) => file))], (file) => file);
  const ordered = new Set<string>();
  const visited = new Set<string>();
  const visit = (file: string) => {
    if (visited.has(file)) return;
    visited.add(file);
    for (const needed of importsOf(file)) if (files.includes(needed)) visit(needed);
    ordered.add(file);
  };
  for (const file of files) visit(file);
  const byFile = [...ordered].flatMap((file) => errors.filter((error) => error.file === file));
  return byFile.sort((a, b) => distance(a) - distance(b));
}

/** The files that a source imports, types included, relative to the repository as `file` is. */
export const importedBy = (file: string, source: string): string[] =>
  [...source.matchAll(/^(?:import|export)\b[^;]*?"(\.[^"]+)"/gm)].map(([, target]) => join(dirname(file), target!));
