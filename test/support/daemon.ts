/** A background process: started in the host of a test, ended by its process id, its log kept for the failure. */
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Netns } from "./sandbox.ts";

export interface Daemon {
  readonly pid: number;
  /** SIGTERM, and SIGKILL when that is not enough; with a signal, that one. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Milliseconds a daemon may take to come up, or to go. */
const patienceMs = 15_000;

/** Answers when `isUp` no longer throws or answers false. */
export async function startDaemon(
  host: Netns,
  command: readonly string[],
  log: string,
  isUp: () => unknown,
): Promise<Daemon> {
  const output = openSync(log, "a");
  const child = Bun.spawn(host.inside(command), { stdio: ["ignore", output, output] });
  closeSync(output);
  try {
    await until(`${command[0]} is up`, () => {
      if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`);
      return isUp();
    });
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`${(error as Error).message}\n${readFileSync(log, "utf8").split("\n").slice(-15).join("\n")}`);
  }
  return {
    pid: child.pid,
    async end(signal = "SIGTERM") {
      child.kill(signal);
      const limit = setTimeout(() => child.kill("SIGKILL"), patienceMs);
      await child.exited;
      clearTimeout(limit);
    },
  };
}

/** Asks again and again, until the answer is true; an error counts as not yet, and is told when time is up. */
export async function until(what: string, holds: () => unknown, limitMs = patienceMs): Promise<void> {
  const startMs = Date.now();
  for (;;) {
    let why = "";
    try {
      if (await holds()) return;
    } catch (error) {
      why = `: ${(error as Error).message}`;
    }
    if (Date.now() - startMs > limitMs) throw new Error(`Not within ${limitMs} ms: ${what}${why}`);
    await Bun.sleep(20);
  }
}
