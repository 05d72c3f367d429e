/** The commands of pods (`run`): their output, and how they end. */
import { closeSync, openSync } from "node:fs";
import { closeFile } from "../../sys/libc.ts";
import { start } from "../../sys/namespaces/start.ts";
import { openPipe, openProcess, waitStatusNow } from "../../sys/processes.ts";
import type { Pod } from "../model/lab.ts";
import { Log } from "./log.ts";
import type { RunningPod } from "./pods.ts";

export interface Command {
  readonly log: Log;
  /** The exit code, 128 and the signal's number if a signal ended it; undefined while it runs. */
  exitCode: number | undefined;
}

/** A command that failed while the lab was made. */
export class CommandFailed extends Error {
  constructor(pod: string, exitCode: number, log: string) {
    const said = log.trim().split("\n").slice(-5).join("\n  ");
    super(`run of ${pod} ended with exit code ${exitCode}${said ? `:\n  ${said}` : " and no output"}`);
    this.name = "CommandFailed";
  }
}

/** The commands of a lab, by name of pod. */
export class Commands {
  readonly all = new Map<string, Command>();
  readonly #running = new Map<number, Command>();
  #onEnd: () => void = () => {};

  constructor() {
    process.on("SIGCHLD", () => this.#reap());
  }

  /** Starts `run` of a pod with `sh -c`. Its output goes to the log, its input is empty. */
  start(pod: Pod, running: RunningPod): void {
    const [reading, writing] = openPipe();
    const nothing = openSync("/dev/null", "r");
    const fd = openProcess(running.pid);
    const command: Command = { log: new Log(), exitCode: undefined };
    try {
      const pid = start({
        enter: [{ fd, kinds: ["net", "uts", "ipc", "pid", "mnt"] }],
        directory: "/",
        program: { paths: ["/bin/sh"], words: ["sh", "-c", pod.run!], environment: environmentOf(pod) },
        streams: [nothing, writing, writing],
        session: true,
        diesWithCaller: true,
      });
      this.all.set(pod.name, command);
      this.#running.set(pid, command);
    } finally {
      closeFile(fd);
      closeSync(nothing);
      closeFile(writing);
    }
    void keep(reading, command.log);
  }

  /**
   * Waits a moment, or until all commands have ended, and throws CommandFailed if one failed: a command with a mistake ends at
   * once.
   */
  async settle(momentMs: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, momentMs);
    this.#onEnd = () => {
      const isFailed = [...this.all.values()].some(({ exitCode }) => exitCode);
      if (isFailed || this.#running.size === 0) over.resolve();
    };
    this.#reap();
    this.#onEnd();
    await over.promise;
    clearTimeout(timer);
    this.#onEnd = () => {};
    for (const [pod, { exitCode, log }] of this.all) {
      if (!exitCode) continue;
      await Promise.race([log.ended, Bun.sleep(momentMs)]); // a child of the command may keep its output open
      throw new CommandFailed(pod, exitCode, log.text());
    }
  }

  #reap(): void {
    for (const [pid, command] of this.#running) {
      const exitCode = waitStatusNow(pid);
      if (exitCode === undefined) continue;
      command.exitCode = exitCode;
      this.#running.delete(pid);
    }
    this.#onEnd();
  }
}

/** The environment of a pod's commands: PATH and what the file says. */
export function environmentOf({ env }: Pod): Record<string, string | undefined> {
  return { PATH: process.env["PATH"], HOME: "/", ...env };
}

async function keep(reading: number, log: Log): Promise<void> {
  for await (const chunk of Bun.file(reading).stream()) log.append(chunk.slice());
  log.end();
}
