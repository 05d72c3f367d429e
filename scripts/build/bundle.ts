/**
 * The executable's JavaScript: `bun scripts/build/bundle.ts FOLDER` writes main.js and what it loads: the plugin, of which ADD
 * and DEL are one flat file, and cli.js, the command line with its own copy of what it uses. VERSION loads none of them.
 *
 * In the sources, what a verb does not need is behind a `require` or `import()` at its only use, so that tests load
 * little. A bundler turns every module that is reached so, and all that those use, into a function that runs at first
 * need; that would be nearly all of ADD. Here each such module is a file of its own that takes what it shares with
 * others from theirs, and a lazy use is a synchronous load of it. Left to the bundler ADD takes 26.6 ms, in one flat file
 * with everything 23.2 (medians of 20 in one run, an empty program 7.6); so divided 14.4 where that took 16.7 (of 40, 4.3).
 */
import { dirname, join, resolve } from "node:path";
import type { BunPlugin } from "bun";

const root = join(import.meta.dirname, "../..");
const folder = resolve(process.argv[2] ?? "dist/bundle");

/** `require("./del.ts") as typeof import("./del.ts")` or `await import("./del.ts")`, however it is broken into lines. */
const lazyUse = /(?:require\("(\.[^"]+)"\)\s*as\s+typeof\s+import\("[^"]+"\)|await\s+import\("(\.[^"]+)"\))/g;

/** An import or export that is left when types are gone. */
const staticUse =
  /^(?:import|export) (?!type )(?:\{(?<names>[^}]*)\}|\*[^"]*|[\w, ]*)(?: from )?"(?<target>\.[^"]+)";/gm;

const sourceOf = (path: string) => Bun.file(path).text();

/** The files that `entry` cannot do without: what it imports, not what it loads when needed. */
async function needed(entry: string): Promise<Set<string>> {
  const found = new Set([entry]);
  for (const path of found) {
    if (!path.endsWith(".ts")) continue;
    for (const match of (await sourceOf(path)).matchAll(staticUse)) {
      const { names, target } = match.groups as { names?: string; target: string };
      const listed = names?.split(",").filter((name) => name.trim() !== "");
      if (!listed?.every((name) => name.trim().startsWith("type "))) found.add(resolve(dirname(path), target));
    }
  }
  return found;
}

/** Lazy uses of our own modules as `place` says they are reached. */
function withLazyUses(path: string, source: string, place: (target: string) => string): string {
  return source.replace(lazyUse, (_, required?: string, imported?: string) => {
    return place(resolve(dirname(path), (required ?? imported)!));
  });
}

/**
 * Lazy uses of what is loaded anyway as imports of a namespace, which the bundler resolves to the names themselves; of
 * anything else as a synchronous load of its file, which the executable carries under this path.
 */
function resolved(path: string, source: string, hot: ReadonlySet<string>): string {
  const imports: string[] = [];
  const body = withLazyUses(path, source, (target) => {
    if (!hot.has(target)) return `import.meta.require("/$bunfs/root/${nameOf(target)}.js")`;
    imports.push(`import * as ${nameOf(target)} from "${target}";`);
    return nameOf(target);
  });
  return imports.join(" ") + body;
}

/** `lazy_plugin_del` */
function nameOf(path: string): string {
  return `lazy${path.slice(root.length).replace(/\.ts$/, "").replace(/\W/g, "_")}`;
}

const [main, serve, del, cli] = ["main.ts", "plugin/serve.ts", "plugin/del.ts", "cli/main.ts"].map((file) =>
  join(root, file),
) as [string, string, string, string];

/** What `hot` and all that it may load later load lazily. */
async function loadedLater(hot: ReadonlySet<string>): Promise<Set<string>> {
  const found = new Set<string>();
  const read = new Set(hot);
  for (const path of read) {
    const targets: string[] = [];
    withLazyUses(path, await sourceOf(path), (target) => targets.push(target).toString());
    for (const target of targets) {
      if (hot.has(target)) continue;
      found.add(target);
      for (const one of await needed(target)) read.add(one);
    }
  }
  return found;
}

/** The entry, what ADD and DEL run, and a file for each module that is loaded later. Which they are is read from the sources. */
async function bundlePlugin(): Promise<void> {
  const hot = new Set([...(await needed(serve)), ...(await needed(del))]);
  const entries: string[] = [];
  for (const path of await loadedLater(hot)) {
    const file = join(folder, `${nameOf(path)}.ts`);
    // It imports what ADD and DEL run: then that is shared whole, and in one file.
    await Bun.write(file, `import "${serve}"; export * from "${path}";`);
    entries.push(file);
  }

  const plugin: BunPlugin = {
    name: "plugin",
    setup(build) {
      build.onResolve({ filter: /^\.\/cli\.js$/ }, ({ path }) => ({ path, external: true }));
      const place = (target: string) => `await import("${target === cli ? "./cli.js" : target}")`;
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = await sourceOf(path);
        const contents = path === main ? withLazyUses(path, source, place) : resolved(path, source, hot);
        return { contents, loader: "ts" };
      });
    },
  };
  const texts = await written("plugin", { entrypoints: [main, ...entries], splitting: true, plugins: [plugin] });
  if (texts.some((text) => text.includes("__esm("))) throw new Error("A lazy use is not recognized");
}

async function written(name: string, build: Parameters<typeof Bun.build>[0]): Promise<string[]> {
  const { success, outputs, logs } = await Bun.build({
    target: "bun",
    format: "esm",
    naming: "[name].[ext]",
    ...build,
  });
  if (!success) throw new AggregateError(logs, `Cannot bundle ${name}`);
  return Promise.all(
    outputs.map(async (output) => {
      // This line tells Bun that the file is compiled already; it would not be minified then.
      const text = (await output.text()).replace(/^\/\/ @bun.*\n/m, "");
      await Bun.write(join(folder, output.path), text);
      return text;
    }),
  );
}

// The command line is not in a hurry: its commands stay behind their imports, each read when it is called.
await Promise.all([bundlePlugin(), written("the command line", { entrypoints: [cli], naming: "cli.js" })]);
