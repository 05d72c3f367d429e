/**
 * The executable's JavaScript: `bun scripts/build/bundle.ts FOLDER` writes main.js and the files that it loads: the
 * plugin, where ADD and DEL are one flat file, and cli.js, the command line with its own copy of what it uses. VERSION
 * loads none of them.
 *
 * Sources defer what a verb does not always need (`import defer`): Bun evaluates such a module when one of its names is
 * first read. Bun's bundler ignores the word and loads the module at once. So this script writes a file for each
 * deferred module, which imports what it shares with others from their files, and replaces the import by an object that
 * loads the file when a name is first read. Medians of 20 ADDs in one run, with 7.6 ms for an empty program: 23.2 ms
 * with everything loaded at once, 14.4 ms divided so.
 */
import { dirname, join, resolve } from "node:path";
import type { BunPlugin } from "bun";
import { type Deferral, deferralsOf, needed, sourceOf, withDeferrals } from "./modules.ts";

const root = join(import.meta.dirname, "../..");
const folder = resolve(process.argv[2] ?? "dist/bundle");

const [main, serve, del, cli] = ["main.ts", "plugin/main.ts", "plugin/del.ts", "cli/main.ts"].map((file) =>
  join(root, file),
) as [string, string, string, string];

/** `lazy_plugin_gc` */
const fileNameOf = (path: string) => `lazy${path.slice(root.length).replace(/\.ts$/, "").replace(/\W/g, "_")}`;

/** An object that loads a file of the executable, or a module of the runtime, when one of its names is first read. */
const deferredModule = `export const deferred = (path) => new Proxy({}, { get: (_, key) => import.meta.require(path)[key] });`;

/** Imports a deferred module that ADD or DEL load anyway; loads any other from its file beside. */
function deferredIn(path: string, { name, target }: Deferral, hot: ReadonlySet<string>): string {
  if (target === del) return `import * as ${name} from "${target}";`;
  if (hot.has(target)) throw new Error(`${path} defers ${target}, but ADD or DEL load it at once: import it as usual`);
  const isOurs = target.startsWith("/");
  return `const ${name} = deferred("${isOurs ? `/$bunfs/root/${fileNameOf(target)}.js` : target}");`;
}

/** The modules that code of ADD and DEL may load later. */
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

/** The entry. It loads the plugin or the command line as a chunk. */
function entrySource(source: string): string {
  const uses = new Map<string, string>();
  const rest = withDeferrals(main, source, ({ name, target }) => {
    uses.set(name, `(await import("${target === cli ? "./cli.js" : target}"))`);
    return "";
  });
  return [...uses].reduce((text, [name, load]) => text.replace(RegExp(`\\b${name}\\.`, "g"), `${load}.`), rest);
}

/** Bundles the entry, the code of ADD and DEL, and a file for each module that is loaded later. */
async function bundlePlugin(): Promise<void> {
  const hot = new Set([...(await needed(serve)), ...(await needed(del))]);
  const entries: string[] = [];
  for (const path of await loadedLater(hot)) {
    const file = join(folder, `${fileNameOf(path)}.ts`);
    // It imports the code of ADD and DEL, so that this is shared whole and in one file.
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

/** `new Worker(new URL("./nameThread.ts", import.meta.url))` */
const threadUrl = /new URL\("\.\/(?<name>\w+Thread)\.ts", import\.meta\.url\)/g;

/**
 * The command line may take time: it is one file, in which a deferred module is a function that runs at its first use.
 * Each of its threads is a file beside it.
 */
async function bundleCommandLine(): Promise<void> {
  const threads = new Set<string>();
  const plugin: BunPlugin = {
    name: "command line",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = (await sourceOf(path)).replace(threadUrl, (_, name: string) => {
          threads.add(join(dirname(path), `${name}.ts`));
          return `"/$bunfs/root/${name}.js"`;
        });
        const contents = withDeferrals(path, source, ({ name, target }) => {
          return `const ${name} = new Proxy({}, { get: (_, key) => require("${target}")[key] });`;
        });
        return { contents, loader: "ts" };
      });
    },
  };
  await written("the command line", { entrypoints: [cli], naming: "cli.js", plugins: [plugin] });
  for (const thread of threads) await written(thread, { entrypoints: [thread], plugins: [plugin] });
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
      // This line marks the file as compiled for Bun, which would not minify it then.
      const text = (await output.text()).replace(/^\/\/ @bun.*\n/m, "");
      await Bun.write(join(folder, output.path), text);
      return text;
    }),
  );
}

await Promise.all([bundlePlugin(), bundleCommandLine()]);
