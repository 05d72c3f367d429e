/** `npm run build:all`: dist/PLATFORM/ns-net and ns-net-launcher for x64 and arm64, glibc and musl. */
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { phase } from "../setup/phase.mjs";
import { run } from "../setup/process.mjs";
import { compile } from "./compile.mjs";
import { compileLauncher } from "./launcher.mjs";
import { type Platform, platforms } from "./platforms.ts";
import { fetchRuntime, unpackRuntime } from "./runtime.ts";

const root = join(import.meta.dirname, "../..");
const bun = join(root, "node_modules/.bin/bun");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Writes the bundle, the same for every platform, to `folder`/bundle. */
export async function bundleIn(folder: string): Promise<void> {
  const bundle = join(folder, "bundle");
  await phase("bundle the code", () => run(bun, [join(root, "scripts/build/bundle.ts"), bundle], { cwd: root }));
}

/**
 * Compiles the bundle in `folder` with the runtime at `runtime`. Answers the path of the executable, which the next call
 * replaces.
 */
export const compileFor = (platform: Platform, folder: string, runtime: string): Promise<string> =>
  phase(`compile for ${platform.name}`, () => {
    const target = [`--target=${platform.runtime.replace("@oven/", "")}`, "--compile-executable-path", runtime];
    return compile(bun, folder, version, platform.libcFile, target);
  });

/** The launcher for a platform, in `folder`. Static, so one serves both C libraries. Answers its path. */
export const launcherFor = ({ name, cpu }: Platform, folder: string): Promise<string> =>
  phase(`compile the launcher for ${name}`, async () => {
    const output = join(folder, `ns-net-launcher-${name}`);
    await compileLauncher(cpu, version, output);
    return output;
  });

if (import.meta.main) {
  const folder = join(root, `dist/ns-net-build.${process.pid}`);
  try {
    const packages: string[] = [];
    for (const platform of platforms) packages.push(await fetchRuntime(platform));
    mkdirSync(folder, { recursive: true });
    await bundleIn(folder);
    for (const [i, platform] of platforms.entries()) {
      const place = join(folder, platform.name);
      const executable = await compileFor(platform, folder, await unpackRuntime(packages[i]!, place));
      const output = join(root, "dist", platform.name, "ns-net");
      mkdirSync(join(output, ".."), { recursive: true });
      renameSync(executable, output);
      renameSync(await launcherFor(platform, folder), `${output}-launcher`);
      rmSync(place, { recursive: true });
      console.log(`dist/${platform.name}/ns-net`);
    }
  } catch (error) {
    console.error(`build: ${(error as Error).message}`);
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
