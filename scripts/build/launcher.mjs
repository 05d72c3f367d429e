/**
 * Compiles the launcher (agent/launcher/launcher.c) to one static executable, which needs no library and no C library
 * of the machine. The same compiler and C library give the same bytes.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { ProgramFailed, run } from "../setup/process.mjs";

const sources = join(import.meta.dirname, "../../agent/launcher");
const machines = { x64: "x86_64", arm64: "aarch64" };

/** How Debian names its compilers, and the packages that install one for another processor. */
const compilerOf = (cpu) => `${machines[cpu]}-linux-gnu-gcc`;
const packagesOf = (cpu) => `gcc-${machines[cpu].replace("_", "-")}-linux-gnu libc6-dev-${debianOf(cpu)}-cross`;
const debianOf = (cpu) => (cpu === "x64" ? "amd64" : "arm64");

const flags = [
  ...["-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror", "-static"],
  // No symbols, no name that the linker makes up: nothing that differs between two builds.
  ...["-s", "-Wl,--build-id=none"],
];

function isOnPath(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The compiler for a processor ("x64" or "arm64"); undefined if this machine has none. */
export function compilerFor(cpu) {
  const own = cpu === process.arch ? ["cc", "gcc"] : [];
  return [compilerOf(cpu), ...own].find(isOnPath);
}

/** One sentence: what to install for a processor. */
export function compilerCure(cpu) {
  return cpu === process.arch
    ? "Install a C compiler and its static C library (Debian: apt-get install gcc libc6-dev)"
    : `Install a C compiler for it (Debian: apt-get install ${packagesOf(cpu)})`;
}

/**
 * Compiles the launcher of a version for a processor, and writes it to `output`. Throws one sentence with its cure
 * if there is no compiler, or if it cannot link statically.
 */
export async function compileLauncher(cpu, version, output) {
  const compiler = compilerFor(cpu);
  const failed = (why) => new Error(`Cannot compile the launcher for ${cpu}: ${why}. ${compilerCure(cpu)}`);
  if (compiler === undefined) throw failed("there is no C compiler for it");
  try {
    // The compiler runs beside its source, so that no folder's name can get into the file.
    const defined = `-DNSNET_VERSION=${JSON.stringify(version)}`;
    await run(compiler, [...flags, defined, "launcher.c", "-o", output], { cwd: sources });
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    throw failed(error.said.trim().split("\n").at(-1) || error.message);
  }
}
