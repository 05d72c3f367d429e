/**
 * The executable's JavaScript: `bun scripts/bundle.ts FOLDER` writes main.ts and, each flat and with its own copy of
 * what it uses, plugin.js and cli.js, of which main.ts loads one. VERSION loads neither.
 *
 * In the sources, what a verb does not need is behind a `require` or `import()` at its only use, so that tests load
 * little. A bundler turns every module that is reached so, and all that those use, into a function that runs at first
 * need; that would be nearly all of ADD. Here they become ordinary imports: what is not called costs its declaration
 * and no more. ADD takes 23.2 ms this way where it took 26.6 (medians of 20 in one run, an empty program 7.6).
 */
import { join, resolve } from "node:path";
import type { BunPlugin } from "bun";

const root = join(import.meta.dirname, "..");
const folder = resolve(process.argv[2] ?? "dist/bundle");

/** `require("./del.ts") as typeof import("./del.ts")` or `await import("./del.ts")`, however it is broken into lines. */
const lazyUse = /(?:require\("(\.[^"]+)"\)\s*as\s+typeof\s+import\("[^"]+"\)|await\s+import\("(\.[^"]+)"\))/g;

/** Lazy uses of our own modules as imports of a namespace, which the bundler resolves to the names themselves. */
function hoisted(source: string): string {
  const imports: string[] = [];
  const body = source.replace(lazyUse, (_, required?: string, imported?: string) => {
    imports.push(`import * as lazy${imports.length} from "${(required ?? imported)!}";`);
    return `lazy${imports.length - 1}`;
  });
  return imports.join(" ") + body;
}

/**
 * The schemas are written with functions; in the executable they are the data that those functions make. Building them
 * anew in each process cost 0.3 ms.
 */
async function evaluated(path: string): Promise<string | undefined> {
  const values = Object.entries(await import(path));
  if (values.some(([, value]) => typeof value === "function")) return undefined;
  return values.map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`).join("");
}

const flat: BunPlugin = {
  name: "flat",
  setup(build) {
    build.onLoad({ filter: /\/conf\/schema\/(?!compiled)\w+\.ts$/ }, async ({ path }) => {
      return { contents: (await evaluated(path)) ?? (await Bun.file(path).text()), loader: "ts" };
    });
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
      contents: hoisted(await Bun.file(path).text()),
      loader: "ts",
    }));
  },
};

async function bundle(entry: string, output: string, plugins: BunPlugin[]): Promise<void> {
  const { success, outputs, logs } = await Bun.build({
    entrypoints: [join(root, entry)],
    target: "bun",
    format: "esm",
    plugins,
  });
  if (!success) throw new AggregateError(logs, `Cannot bundle ${entry}`);
  const text = await outputs[0]!.text();
  if (plugins.length > 0 && text.includes("__esm(")) throw new Error(`${entry} has a lazy use that is not recognized`);
  // The first line tells Bun that the file is compiled already; it would not be minified then.
  await Bun.write(join(folder, output), text.replace(/^\/\/ @bun.*\n/, ""));
}

/** The entry with its two lazy uses pointed at the bundles. */
async function writeMain(): Promise<void> {
  const source = await Bun.file(join(root, "plugin/main.ts")).text();
  const bundles: Record<string, string> = { "./serve.ts": "./plugin.js", "../cli/main.ts": "./cli.js" };
  const pointed = source
    .replace(
      lazyUse,
      (_, required?: string, imported?: string) => `await import("${bundles[(required ?? imported)!]}")`,
    )
    .replace(/from "\.\.\/(\w+)\//g, (_, room: string) => `from "${root}/${room}/`);
  if (pointed.includes("undefined")) throw new Error("plugin/main.ts loads a module that has no bundle");
  await Bun.write(join(folder, "main.ts"), pointed);
}

// The command line is not in a hurry: its commands stay behind their imports, each read when it is called.
await Promise.all([bundle("plugin/serve.ts", "plugin.js", [flat]), bundle("cli/main.ts", "cli.js", []), writeMain()]);
