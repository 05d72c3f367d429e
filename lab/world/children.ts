/** The processes that the supervisor started: it learns of each end. */
import { waitStatusNow } from "../../sys/processes.ts";

export class Children {
  readonly #waiting = new Map<number, (exitCode: number) => void>();

  constructor() {
    process.on("SIGCHLD", () => this.reap());
  }

  /** Calls `onEnd` when the process ends: with its exit code, or 128 and the signal's number. */
  watch(pid: number, onEnd: (exitCode: number) => void): void {
    this.#waiting.set(pid, onEnd);
  }

  /** Looks at all of them: signals of several ends may come as one, and one may have ended before it was watched. */
  reap(): void {
    for (const [pid, onEnd] of this.#waiting) {
      const exitCode = waitStatusNow(pid);
      if (exitCode === undefined) continue;
      this.#waiting.delete(pid);
      onEnd(exitCode);
    }
  }
}
