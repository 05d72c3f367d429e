/** The modules that a module imports, and those that it defers, read from the sources. */
import { dirname, resolve } from "node:path";

/** `import defer * as name from "./file.ts";`, always on one line. */
const deferral = /^import defer \* as (?<name>\w+) from "(?<target>[^"]+)";$/gm;

/** An import or export that remains without the types. */
const staticUse =
  /^(?:import|export) (?!type |defer )(?:\{(?<names>[^}]*)\}|\*[^"]*|[\w, ]*)(?: from )?"(?<target>\.[^"]+)";/gm;

export interface Deferral {
  readonly name: string;
  /** The path of a file of ours, or the name of a module of the runtime. */
  readonly target: string;
}

export const sourceOf = (path: string) => Bun.file(path).text();

const pathOf = (from: string, target: string) => (target.startsWith(".") ? resolve(dirname(from), target) : target);

/** The source with each deferral replaced. Throws if one is left, which a bundler would load at once. */
export function withDeferrals(path: string, source: string, replacement: (deferral: Deferral) => string): string {
  const replaced = source.replace(deferral, (...match) => {
    const { name, target } = match.at(-1) as { name: string; target: string };
    return replacement({ name, target: pathOf(path, target) });
  });
  if (/^\s*import\s+defer\b/m.test(replaced)) throw new Error(`${path}: write "import defer" on one line of its own`);
  return replaced;
}

export function deferralsOf(path: string, source: string): Deferral[] {
  const found: Deferral[] = [];
  withDeferrals(path, source, (one) => found.push(one).toString());
  return found;
}

/** The modules that `path` imports at once. */
export function importsOf(path: string, source: string): string[] {
  return [...source.matchAll(staticUse)].flatMap(({ groups }) => {
    const { names, target } = groups as { names?: string; target: string };
    const listed = names?.split(",").filter((name) => name.trim() !== "");
    return listed?.every((name) => name.trim().startsWith("type ")) ? [] : [resolve(dirname(path), target)];
  });
}

/** `entry` and the files that it imports, without those that it defers. */
export async function needed(entry: string): Promise<Set<string>> {
  const found = new Set([entry]);
  for (const path of found) {
    if (!path.endsWith(".ts")) continue;
    for (const target of importsOf(path, await sourceOf(path))) found.add(target);
  }
  return found;
}
