import { readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Arguments of `bun` that compile the bundle (scripts/build/bundle.ts) in a folder to the executable, the same on every
 * platform.
 */
export const compileArguments = (bundle, version, libc = "libc.so.6") => [
  ...["build", join(bundle, "main.js"), "--compile", "--format=esm", "--splitting"],
  ...loadedLater(bundle),
  // The executable loads deferred files directly from /$bunfs/root.
  ...["--root", bundle],
  ...["--minify", "--bytecode", "--define", `NSNET_VERSION=${JSON.stringify(version)}`],
  ...["--define", `NSNET_LIBC=${JSON.stringify(libc)}`],
  // A process of 15 ms never earns back the time of compiling to machine code: ADD 19.2 → 15.6 ms, 47 → 43 MiB.
  "--compile-jit-policy=100",
  // Files in the folder where a runtime starts the plugin must not affect it: bunfig.toml can run code.
  ...["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"],
  ...["--no-compile-autoload-tsconfig", "--no-compile-autoload-package-json"],
];

const loadedLater = (bundle) =>
  readdirSync(bundle)
    .filter((file) => /^lazy_.*\.js$/.test(file))
    .map((file) => join(bundle, file));
