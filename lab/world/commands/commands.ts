/** The commands of pods (`run`): their output, and how they end. */
import { closeSync, openSync } from "node:fs";
import { code, Fault } from "../../../conf/fault.ts";
import { closeFile } from "../../../sys/libc.ts";
import { start } from "../../../sys/namespaces/start.ts";
import { openPipe, openProcess } from "../../../sys/processes.ts";
import type { Pod } from "../../model/lab.ts";
import type { Children } from "../children.ts";
import type { RunningPod } from "../pods/pods.ts";
import { Log } from "./log.ts";

export interface Command {
  readonly log: Log;
  /** The exit code, 128 and the signal's number if a signal ended it; undefined while it runs. */
  exitCode: number | undefined;
}

/** A command with a mistake ends within this time, and then `up` and `apply` fail. */
const settleMs = 80;

/** The commands of a lab, by name of pod. */
export class Commands {
  readonly all = new Map<string, Command>();
  readonly #children: Children;
  #onEnd: () => void = () => {};

  constructor(children: Children) {
    this.#children = children;
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
      this.#children.watch(pid, (exitCode) => {
        command.exitCode = exitCode;
        this.#onEnd();
      });
    } finally {
      closeFile(fd);
      closeSync(nothing);
      closeFile(writing);
    }
    void keep(reading, command.log);
  }

  /** Its processes have ended with the pod. */
  forget(pod: string): void {
    this.all.delete(pod);
  }

  /**
   * Waits a moment, or until the commands of these pods have ended. Throws Fault if one failed: a command with a mistake ends
   * at once.
   */
  async settle(pods: readonly string[]): Promise<void> {
    const named = pods.flatMap((pod): [string, Command][] => [[pod, this.all.get(pod)!]]).filter(([, one]) => one);
    if (named.length === 0) return;
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, settleMs);
    const all = named.map(([, one]) => one);
    this.#onEnd = () => {
      if (all.some(({ exitCode }) => exitCode) || all.every(({ exitCode }) => exitCode !== undefined)) over.resolve();
    };
    this.#children.reap();
    this.#onEnd();
    await over.promise;
    clearTimeout(timer);
    this.#onEnd = () => {};
    for (const [pod, { exitCode, log }] of named) {
      if (!exitCode) continue;
      await Promise.race([log.ended, Bun.sleep(settleMs)]); // a child of the command may keep its output open
      throw failed(pod, exitCode, log.text());
    }
  }
}

function failed(pod: string, exitCode: number, log: string): Fault {
  const said = log.trim().split("\n").slice(-5).join("\n  ");
  return new Fault(
    code.config,
    `run of ${pod} ended with exit code ${exitCode}${said ? `:\n  ${said}` : " and no output"}`,
    `Correct run of ${pod} in the lab's file; it is run by sh -c, in the pod's namespaces`,
  );
}

/** The environment of a pod's commands: PATH and what the file says. */
function environmentOf({ env }: Pod): Record<string, string | undefined> {
  return { PATH: process.env["PATH"], HOME: "/", ...env };
}

async function keep(reading: number, log: Log): Promise<void> {
  try {
    for await (const chunk of Bun.file(reading).stream()) log.append(chunk.slice());
  } finally {
    closeFile(reading);
    log.end();
  }
}
