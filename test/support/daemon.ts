/** A background process: started in the host of a test, ended by its process id, with its log kept for failures. */
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Netns } from "./sandbox.ts";

export interface Daemon {
  readonly pid: number;
  /** SIGTERM, then SIGKILL if need be; or the given signal. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** How long a daemon may take to come up or to end. */
const patienceMs = 15_000;

/** Waits until `isUp` answers true without throwing. */
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

/** Repeats until the answer is true. An error counts as not yet, and is thrown when the time is over. */
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
