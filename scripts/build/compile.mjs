import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../setup/process.mjs";
import { seal } from "./seal.mjs";

/** Arguments for every platform. */
const shared = [
  ...["--compile", "--format=esm", "--splitting", "--minify", "--bytecode"],
  // A process of 15 ms never earns back the time of compiling to machine code: ADD 19.2 → 15.6 ms, 47 → 43 MiB.
  "--compile-jit-policy=100",
  // Files in the folder where a runtime starts the plugin must not affect it: bunfig.toml can run code.
  ...["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"],
  ...["--no-compile-autoload-tsconfig", "--no-compile-autoload-package-json"],
];

/**
 * Compiles `folder`/bundle (scripts/build/bundle.ts) to the executable `folder`/ns-net, and answers its path.
 * `libc` is the C library that it opens, `target` further arguments for another platform.
 *
 * Bun writes the names of the bundle's folder and of the output into the executable. They are always the same here, so
 * the same sources give the same bytes.
 */
export async function compile(bun, folder, version, libc = "libc.so.6", target = []) {
  const lazy = readdirSync(join(folder, "bundle")).filter((file) => /^lazy_.*\.js$|Thread\.js$/.test(file));
  const entries = ["main.js", ...lazy.sort()].map((file) => `bundle/${file}`);
  const defined = [
    "--define",
    `NSNET_VERSION=${JSON.stringify(version)}`,
    "--define",
    `NSNET_LIBC=${JSON.stringify(libc)}`,
  ];
  // The executable loads deferred files directly from /$bunfs/root.
  const args = ["build", ...entries, "--root", "bundle", ...shared, ...defined, ...target, "--outfile", "ns-net"];
  await run(bun, args, { cwd: folder });
  const output = join(folder, "ns-net");
  seal(output);
  return output;
}
