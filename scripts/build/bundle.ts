/**
 * The executable's JavaScript: `bun scripts/build/bundle.ts FOLDER` writes main.js and what it loads: the plugin, of
 * which ADD and DEL are one flat file, and cli.js, the command line with its own copy of what it uses. VERSION loads
 * none of them.
 *
 * In the sources, what a verb does not always need is deferred (`import defer`): Bun evaluates such a module when one of
 * its names is first read. Bun's bundler ignores the word and loads the module at once. So this script gives each
 * deferred module a file of its own, which takes what it shares with others from theirs, and puts in the place of the
 * import an object that loads the file at the first reading of a name. Medians of 20 ADDs in one run, an empty program
 * 7.6 ms: with everything loaded at once 23.2 ms, divided so 14.4 ms.
 */
import { join, resolve } from "node:path";
import type { BunPlugin } from "bun";
import { type Deferral, deferralsOf, needed, sourceOf, withDeferrals } from "./modules.ts";

const root = join(import.meta.dirname, "../..");
const folder = resolve(process.argv[2] ?? "dist/bundle");

const [main, serve, del, cli] = ["main.ts", "plugin/serve.ts", "plugin/del.ts", "cli/main.ts"].map((file) =>
  join(root, file),
) as [string, string, string, string];

/** `lazy_plugin_gc` */
const fileNameOf = (path: string) => `lazy${path.slice(root.length).replace(/\.ts$/, "").replace(/\W/g, "_")}`;

/** An object that loads a file of the executable, or a module of the runtime, when a name of it is first read. */
const deferredModule = `export const deferred = (path) => new Proxy({}, { get: (_, key) => import.meta.require(path)[key] });`;

/** A deferred module that ADD or DEL imports anyway is imported; any other is loaded from its file, which lies beside. */
function deferredIn(path: string, { name, target }: Deferral, hot: ReadonlySet<string>): string {
  if (target === del) return `import * as ${name} from "${target}";`;
  if (hot.has(target)) throw new Error(`${path} defers ${target}, but ADD or DEL load it at once: import it as usual`);
  const isOurs = target.startsWith("/");
  return `const ${name} = deferred("${isOurs ? `/$bunfs/root/${fileNameOf(target)}.js` : target}");`;
}

/** All that what ADD and DEL run may load later. */
async function loadedLater(hot: ReadonlySet<string>): Promise<Set<string>> {
  const found = new Set<string>();
  const read = new Set(hot);
  for (const path of read) {
    if (!path.endsWith(".ts")) continue;
    for (const { target } of deferralsOf(path, await sourceOf(path))) {
      if (hot.has(target) || !target.startsWith("/")) continue;
      found.add(target);
      for (const one of await needed(target)) read.add(one);
    }
  }
  return found;
}

/** The entry loads the plugin or the command line as a chunk of its own. */
function entrySource(source: string): string {
  const uses = new Map<string, string>();
  const rest = withDeferrals(main, source, ({ name, target }) => {
    uses.set(name, `(await import("${target === cli ? "./cli.js" : target}"))`);
    return "";
  });
  return [...uses].reduce((text, [name, load]) => text.replace(RegExp(`\\b${name}\\.`, "g"), `${load}.`), rest);
}

/** The entry, what ADD and DEL run, and a file for each module that is loaded later. */
async function bundlePlugin(): Promise<void> {
  const hot = new Set([...(await needed(serve)), ...(await needed(del))]);
  const entries: string[] = [];
  for (const path of await loadedLater(hot)) {
    const file = join(folder, `${fileNameOf(path)}.ts`);
    // It imports what ADD and DEL run: then that is shared whole, and in one file.
    await Bun.write(file, `import "${serve}"; export * from "${path}";`);
    entries.push(file);
  }
  const plugin: BunPlugin = {
    name: "plugin",
    setup(build) {
      build.onResolve({ filter: /^\.\/cli\.js$/ }, ({ path }) => ({ path, external: true }));
      build.onResolve({ filter: /^deferred$/ }, ({ path }) => ({ path, namespace: "built" }));
      build.onLoad({ filter: /^deferred$/, namespace: "built" }, () => ({ contents: deferredModule, loader: "js" }));
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = await sourceOf(path);
        if (path === main) return { contents: entrySource(source), loader: "ts" };
        const contents = withDeferrals(path, source, (one) => deferredIn(path, one, hot));
        return { contents: `import { deferred } from "deferred"; ${contents}`, loader: "ts" };
      });
    },
  };
  const texts = await written("plugin", { entrypoints: [main, ...entries], splitting: true, plugins: [plugin] });
  if (texts.some((text) => text.includes("__esm("))) throw new Error("A module is loaded in another way than deferred");
}

/** The command line is not in a hurry: one file, in which a deferred module is a function that runs at the first use. */
async function bundleCommandLine(): Promise<void> {
  const plugin: BunPlugin = {
    name: "command line",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
        contents: withDeferrals(path, await sourceOf(path), ({ name, target }) => {
          return `const ${name} = new Proxy({}, { get: (_, key) => require("${target}")[key] });`;
        }),
        loader: "ts",
      }));
    },
  };
  await written("the command line", { entrypoints: [cli], naming: "cli.js", plugins: [plugin] });
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

await Promise.all([bundlePlugin(), bundleCommandLine()]);
