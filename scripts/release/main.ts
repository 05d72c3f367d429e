/**
 * `npm run release [-- --platform linux-x64 … --output FOLDER]`: dist/release/, or the folder, with an archive for each
 * platform, SHA256SUMS and a bill of materials.
 */
import { statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Platform, platforms } from "../build/platforms.ts";
import { fetchRuntime, unpackRuntime } from "../build/runtime.ts";
import { run } from "../setup/process.mjs";
import { release } from "./release.ts";

const root = join(import.meta.dirname, "../..");

interface Asked {
  readonly chosen: readonly Platform[];
  /** An absolute path. */
  readonly output: string;
}

function asked(): Asked {
  const { values } = parseArgs({
    options: { platform: { type: "string", multiple: true }, output: { type: "string" } },
  });
  const output = resolve(values.output ?? join(root, "dist/release"));
  if (values.platform === undefined) return { chosen: platforms, output };
  const names = platforms.map(({ name }) => name);
  const unknown = values.platform.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`Unknown platform "${unknown}": write ${names.join(", ")}`);
  return { chosen: platforms.filter(({ name }) => values.platform?.includes(name)), output };
}

try {
  const { chosen, output } = asked();
  const files = await release({
    platforms: chosen,
    output,
    runnable: join(root, "dist/ns-net"),
    compression: 9,
    runtimeOf: async (platform, folder) => unpackRuntime(await fetchRuntime(platform), folder),
  });
  for (const file of files)
    console.log(`${sizeOf(join(output, file)).padStart(8)}  ${relative(process.cwd(), join(output, file))}`);
  const changed = await run("git", ["status", "--porcelain"], { cwd: root }).catch(() => "");
  if (changed !== "") console.error("release: some files are not committed, so another person cannot build the same");
} catch (error) {
  console.error(`release: ${(error as Error).message}`);
  process.exitCode = 1;
}

function sizeOf(file: string): string {
  const { size } = statSync(file);
  return size < 1e6 ? `${Math.ceil(size / 1e3)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}
