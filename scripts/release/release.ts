/** Writes a release: archives, checksums, bill of materials. All is written beside and renamed, or nothing is. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { bundleIn, compileFor, launcherFor } from "../build/allPlatforms.ts";
import type { Platform } from "../build/platforms.ts";
import { phase } from "../setup/phase.mjs";
import { run } from "../setup/process.mjs";
import { removeRemains } from "../setup/remains.mjs";
import { writeArchive } from "./archive.ts";
import { billOfMaterials, licences, packagesIn } from "./materials.ts";

const root = join(import.meta.dirname, "../..");
const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

export interface Release {
  readonly platforms: readonly Platform[];
  /** The folder that the release replaces. */
  readonly output: string;
  /** An executable of ns-net that runs on this machine. */
  readonly runnable: string;
  /** 1 is fast, 9 is small. */
  readonly compression: number;
  /** Bun's runtime for a platform, unpacked in a folder of its own. Throws one sentence with a cure. */
  runtimeOf(platform: Platform, folder: string): Promise<string>;
}

/** Seconds since 1970: SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs), else the date of the commit. */
async function dateOfSources(): Promise<number> {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined) {
    if (/^\d{1,11}$/.test(given)) return Number(given);
    throw new Error(`SOURCE_DATE_EPOCH must be seconds since 1970, not "${given}"`);
  }
  try {
    return Number(await run("git", ["log", "-1", "--format=%ct"], { cwd: root }));
  } catch {
    throw new Error(
      "The sources have no date: there is no git repository here. Set SOURCE_DATE_EPOCH to a date in seconds since 1970",
    );
  }
}

/** As `sha256sum --check` reads it. */
async function checksums(folder: string): Promise<string> {
  const lines: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    const hash = new Bun.CryptoHasher("sha256").update(await Bun.file(join(folder, file)).bytes()).digest("hex");
    lines.push(`${hash}  ${file}\n`);
  }
  return lines.join("");
}

/** Whatever is at `output` will be deleted, so it must be a release. */
function refuseOther(output: string): void {
  if (!existsSync(output) || existsSync(join(output, "SHA256SUMS"))) return;
  throw new Error(`${output} is not an earlier release, it has no SHA256SUMS: give a folder that does not exist`);
}

/** Puts `folder` in the place of `output`. Something is there at every moment but one. */
function replace(output: string, folder: string): void {
  const old = `${folder}.old`;
  if (existsSync(output)) renameSync(output, old);
  renameSync(folder, output);
  rmSync(old, { recursive: true, force: true });
}

/** Answers the names of the files. */
export async function release({ platforms, output, runnable, compression, runtimeOf }: Release): Promise<string[]> {
  refuseOther(output);
  const date = await dateOfSources();
  removeRemains(dirname(output));
  const work = join(dirname(output), `ns-net-release.${process.pid}`);
  const folder = join(work, "release");
  try {
    mkdirSync(folder, { recursive: true });
    const runtimes: string[] = [];
    for (const platform of platforms) runtimes.push(await runtimeOf(platform, join(work, platform.name)));
    await bundleIn(work);
    const libraries = packagesIn(join(work, "bundle"));
    const added = licences(libraries);
    for (const [i, platform] of platforms.entries()) {
      const executable = await compileFor(platform, work, runtimes[i]!);
      const launcher = await launcherFor(platform, work);
      const content = { executable, launcher, runnable, date, added, compression };
      await phase(`pack for ${platform.name}`, () => writeArchive(platform, folder, content));
    }
    const contained = [...libraries, ...platforms.map(({ runtime }) => runtime)];
    writeFileSync(join(folder, `${name}-${version}.cdx.json`), await billOfMaterials(contained, date));
    writeFileSync(join(folder, "SHA256SUMS"), await checksums(folder));
    replace(output, folder);
    return readdirSync(output).sort();
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
