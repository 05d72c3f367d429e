/**
 * Bun's runtime for each platform. It comes from npm; bun itself would download it from elsewhere. The packages stay in
 * dist/runtimes/, so that the next build needs no network, and a machine without one can be given them.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { phase } from "../setup/phase.mjs";
import { ProgramFailed, run } from "../setup/process.mjs";
import type { Platform } from "./platforms.ts";

const root = join(import.meta.dirname, "../..");
const defaultStock = join(root, "dist/runtimes");

/** A package in package-lock.json. */
interface Locked {
  readonly version: string;
  /** `sha512-…`, base64 (W3C Subresource Integrity) */
  readonly integrity: string;
}

function lockedRuntime({ runtime }: Platform): Locked {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const locked: Locked | undefined = packages[`node_modules/${runtime}`];
  if (!locked) throw new Error(`package-lock.json has no ${runtime}: run npm install with this version of bun`);
  return locked;
}

/** As `npm pack` names it: `oven-bun-linux-x64-1.4.5.tgz`. */
const fileOf = ({ runtime }: Platform, version: string) =>
  `${runtime.replace("@", "").replace("/", "-")}-${version}.tgz`;

async function check(file: string, { integrity }: Locked): Promise<void> {
  const hash = new Bun.CryptoHasher("sha512").update(await Bun.file(file).bytes()).digest("base64");
  if (`sha512-${hash}` === integrity) return;
  throw new Error(
    `${file} is not the package that package-lock.json describes (sha512-${hash.slice(0, 12)}… instead of ` +
      `${integrity.slice(0, 19)}…): delete it, and run this again`,
  );
}

/** Downloads beside and renames, so that a package in the stock is whole. */
async function download(platform: Platform, { version }: Locked, file: string): Promise<void> {
  const spec = `${platform.runtime}@${version}`;
  const beside = `${file}.${process.pid}`;
  mkdirSync(beside, { recursive: true });
  // npm itself tries for minutes. Once more is enough for a person who waits.
  const patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=1000"];
  try {
    await phase(`download ${spec}`, () => run("npm", ["pack", "--loglevel=error", ...patience, spec], { cwd: beside }));
    renameSync(join(beside, fileOf(platform, version)), file);
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    throw new Error(
      `Cannot get Bun's runtime for ${platform.name}: ${lastWords(error)}. Connect to npm's registry and run this ` +
        `again; or run "npm pack ${spec}" elsewhere and put the file into ${relative(root, join(file, ".."))}/`,
    );
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

/** The line with npm's reason. Its last line names only a log file. */
function lastWords({ said, message }: ProgramFailed): string {
  const lines = said
    .split("\n")
    .map((line) => line.replace(/^npm (?:error|ERR!) /, "").trim())
    .filter((line) => line !== "" && !/complete log|^(?:errno|code|syscall) /.test(line));
  return lines[0] ?? message;
}

/** Puts the package for `platform` into the stock, if it is not there. Throws one sentence with a cure. */
export async function fetchRuntime(platform: Platform, stock = defaultStock): Promise<string> {
  const locked = lockedRuntime(platform);
  const file = join(stock, fileOf(platform, locked.version));
  mkdirSync(stock, { recursive: true });
  if (!existsSync(file)) await download(platform, locked, file);
  await check(file, locked);
  return file;
}

/** Unpacks a package of the stock into `folder`, and answers the path of the runtime in it. */
export async function unpackRuntime(file: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await run("tar", ["-xzf", file, "-C", folder]);
  return join(folder, "package/bin/bun");
}
