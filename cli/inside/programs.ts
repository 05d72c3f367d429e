/** Finds and executes a program as a shell does, with a shell's exit codes. */
import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { errno, isKernelError } from "../../sys/errors.ts";
import { execute } from "../../sys/processes.ts";
import { NotRun } from "../command.ts";

/** Executes the command. A script without "#!" runs in the shell, as with execvp(3) and in shells. */
export function become(program: string, words: readonly string[]): never {
  try {
    return execute(program, words, process.env);
  } catch (error) {
    if (isKernelError(error, errno.ENOEXEC)) return execute(shell, [shell, program, ...words.slice(1)], process.env);
    if (!isKernelError(error, errno.ENOENT)) throw error;
    throw cannotRun(
      program,
      "the interpreter that its first line names is not there",
      "Correct that line, or install it",
    );
  }
}

export const shell = "/bin/sh";

/** Exit codes as in shells. */
export const [notExecutable, notFound] = [126, 127];

export function findProgram(name: string): string {
  const candidates =
    name.includes("/") || name === ""
      ? [name]
      : (process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin").split(":").map((folder) => join(folder, name));
  let refusal: NotRun | undefined;
  for (const candidate of candidates) {
    const found = refusalOf(candidate);
    if (found === "none") return candidate;
    refusal ??= found;
  }
  throw (
    refusal ??
    new NotRun(notFound, `Cannot find the command ${JSON.stringify(name)}`, "Give its path, or add its folder to PATH")
  );
}

/** Why a file cannot be executed; "none" if it can, and undefined if it does not exist. */
function refusalOf(path: string): NotRun | "none" | undefined {
  try {
    if (statSync(path).isDirectory()) return cannotRun(path, "it is a folder", "Give the path of a program");
  } catch {
    return undefined;
  }
  try {
    accessSync(path, constants.X_OK);
    return "none";
  } catch {
    return cannotRun(path, "it is not executable", `Run it by its interpreter (sh ${path}), or: chmod +x ${path}`);
  }
}

export function cannotRun(path: string, why: string, cure: string): NotRun {
  return new NotRun(notExecutable, `Cannot run ${path}: ${why}`, cure);
}
