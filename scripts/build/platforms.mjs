/** Builds the executable for other platforms: x64 and arm64, glibc and musl. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "./compile.mjs";

const root = join(import.meta.dirname, "../..");
const bun = join(root, "node_modules/.bin/bun");
const { version, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Our names of platforms, and those of bun's packages. Baseline: runs on servers without AVX2, too. */
export const platforms = {
  "linux-x64": "bun-linux-x64-baseline",
  "linux-x64-musl": "bun-linux-x64-musl-baseline",
  "linux-arm64": "bun-linux-aarch64",
  "linux-arm64-musl": "bun-linux-aarch64-musl",
};

/** The name of the C library that the executable opens. */
function libcOf(platform) {
  if (!platform.endsWith("-musl")) return "libc.so.6";
  return `/lib/libc.musl-${platform.includes("arm64") ? "aarch64" : "x86_64"}.so.1`;
}

/** Throws an error with the program's output. */
export function run(command, args, cwd = root) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? (stderr.trim() || stdout)}`);
  return stdout;
}

/**
 * Builds `FOLDER/PLATFORM/ns-net` for each platform, and calls `onBuilt` after each. Each runtime comes from npm in the
 * version that package.json pins; bun itself would download it from elsewhere.
 */
export async function buildPlatforms(names, folder, onBuilt) {
  const working = mkdtempSync(join(tmpdir(), "ns-net-build-"));
  try {
    run(bun, [join(root, "scripts/build/bundle.ts"), join(working, "bundle")]);
    for (const platform of names) {
      const target = [`--target=${platforms[platform]}`, "--compile-executable-path", runtimeOf(platform, working)];
      const compiled = await compile(bun, working, version, libcOf(platform), target);
      mkdirSync(join(folder, platform), { recursive: true });
      copyFileSync(compiled, join(folder, platform, "ns-net"));
      onBuilt(platform);
    }
  } finally {
    rmSync(working, { recursive: true, force: true });
  }
}

/** The path of bun for a platform, from npm. */
function runtimeOf(platform, downloads) {
  const place = join(downloads, platform);
  const name = `@oven/${platforms[platform]}@${devDependencies.bun}`;
  mkdirSync(place);
  try {
    run("npm", ["pack", "--silent", "--prefer-offline", name], place);
  } catch (error) {
    throw new Error(
      `Cannot get the runtime for ${platform} (${name} of npm): ${error.message.split("\n").at(-1)}\n` +
        `  Connect this machine to the registry of npm, or build only the platforms that it has`,
    );
  }
  run("tar", ["-xzf", readdirSync(place)[0]], place);
  return join(place, "package/bin/bun");
}
