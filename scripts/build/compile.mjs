import { readdirSync } from "node:fs";
import { join } from "node:path";

/** `bun` with these makes the executable of the bundle (scripts/build/bundle.ts) in a folder, on every platform the same. */
export const compileArguments = (bundle, version, libc = "libc.so.6") => [
  ...["build", join(bundle, "main.js"), "--compile", "--format=esm", "--splitting"],
  ...loadedLater(bundle),
  // In the executable the files stand where a lazy use looks for them: directly in /$bunfs/root.
  ...["--root", bundle],
  ...["--minify", "--bytecode", "--define", `NSNET_VERSION=${JSON.stringify(version)}`],
  ...["--define", `NSNET_LIBC=${JSON.stringify(libc)}`],
  // A process that lives 15 ms never earns back what compiling to machine code costs: ADD 19.2 → 15.6 ms, 47 → 43 MiB.
  "--compile-jit-policy=100",
  // Files in the folder that a runtime happens to stand in must not reach the plugin: bunfig.toml can run code.
  ...["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"],
  ...["--no-compile-autoload-tsconfig", "--no-compile-autoload-package-json"],
];

const loadedLater = (bundle) =>
  readdirSync(bundle)
    .filter((file) => /^lazy_.*\.js$/.test(file))
    .map((file) => join(bundle, file));
