/**
 * `npm run build:all`: dist/PLATFORM/ns-net for x64 and arm64, glibc and musl. Each runtime comes from npm in the
 * version that package.json pins; bun itself would download it from elsewhere.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileArguments } from "./compile.mjs";
import { seal } from "./seal.mjs";

const root = join(import.meta.dirname, "../..");
const bun = join(root, "node_modules/.bin/bun");
const { version, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Our platform names and those of bun's packages. Baseline: runs on servers without AVX2, too. */
const platforms = {
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

function run(command, args, cwd = root) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout;
}

const folder = mkdtempSync(join(tmpdir(), "ns-net-build-"));
try {
  const bundle = join(root, `dist/bundle.${process.pid}`);
  try {
    run(bun, [join(root, "scripts/build/bundle.ts"), bundle]);
    for (const [platform, name] of Object.entries(platforms)) {
      const place = join(folder, platform);
      mkdirSync(place);
      run("npm", ["pack", "--silent", `@oven/${name}@${devDependencies.bun}`], place);
      run("tar", ["-xzf", readdirSync(place)[0]], place);
      const output = join(root, "dist", platform, "ns-net");
      mkdirSync(join(output, ".."), { recursive: true });
      run(bun, [
        ...compileArguments(bundle, version, libcOf(platform)),
        ...[`--target=${name}`, "--compile-executable-path", join(place, "package/bin/bun")],
        ...["--outfile", `${output}.new`],
      ]);
      seal(`${output}.new`);
      renameSync(`${output}.new`, output);
      console.log(`dist/${platform}/ns-net`);
    }
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
