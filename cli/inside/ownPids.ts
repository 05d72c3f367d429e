/** Runs a program in a PID namespace of its own. It sees only its own processes. */

import { errno, isKernelError } from "../../sys/errors.ts";
import { start, waitFor } from "../../sys/namespaces/start.ts";
import type { Start } from "../../sys/namespaces/startRequest.ts";
import { shell } from "./programs.ts";

/**
 * The first process of the namespace reaps; the program is its child, and everything inside ends with it. Mounts /proc in
 * the mount namespace of this thread, which must be its own. Answers the program's exit code.
 */
export function runWithOwnPids(program: string, words: readonly string[]): number {
  return waitFor(
    startedByShell({ paths: [program], words, environment: process.env }, (one) =>
      start({
        create: ["pid"],
        mounts: [{ source: "proc", target: "/proc", type: "proc", flags: 0 }],
        program: one,
        ...{ init: true, foreground: true, diesWithCaller: true },
      }),
    ),
  );
}

/** Starts a program; one that is a script without "#!" by the shell, as execvp(3) does. */
export function startedByShell(
  program: NonNullable<Start["program"]>,
  run: (program: NonNullable<Start["program"]>) => number,
): number {
  try {
    return run(program);
  } catch (error) {
    if (!isKernelError(error, errno.ENOEXEC)) throw error;
    const [path] = program.paths;
    return run({ ...program, paths: [shell], words: [shell, path!, ...program.words.slice(1)] });
  }
}
