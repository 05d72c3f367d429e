/** The agent remembers of its own events what `ns-net status` shows. */
import type { AgentEvent } from "../event.ts";

/** An event that a person should look at. */
export interface Noted {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly text: string;
}

/** The answer of `/status`. */
export interface AgentReport {
  readonly version: string;
  readonly pid: number;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** Calls that were answered, and how many of them with an error. */
  readonly calls: number;
  readonly failed: number;
  /** Calls that were left to the full executable in the middle, because they would have held up the others. */
  readonly handedBack: number;
  /** Calls that were left to it at once, by reason. */
  readonly declined: Readonly<Record<string, number>>;
  /** Things that were restored, by kind. */
  readonly healings: Readonly<Record<string, number>>;
  /** The last ones, oldest first. */
  readonly errors: readonly Noted[];
}

const errorsMax = 20;

export type Level = "info" | "warn" | "error";

/** A call that failed or was left to the executable is a warning: its caller knows. */
export function levelOf(event: AgentEvent): Level {
  switch (event.what) {
    case "call":
      return event.exitCode === 0 ? "info" : "warn";
    case "declined":
    case "contested":
      return "warn";
    case "trouble":
      return "error";
    default:
      return "info";
  }
}

export class Observer {
  readonly #version: string;
  readonly #since = new Date();
  #calls = 0;
  #failed = 0;
  #handedBack = 0;
  readonly #declined: Record<string, number> = {};
  readonly #healings: Record<string, number> = {};
  readonly #errors: Noted[] = [];

  constructor(version: string) {
    this.#version = version;
  }

  observe(event: AgentEvent): void {
    if (event.what === "call") {
      this.#calls++;
      if (event.exitCode !== 0) this.#failed++;
    }
    if (event.what === "handed back") this.#handedBack++;
    if (event.what === "declined") add(this.#declined, event.reason);
    if (event.what === "healed") add(this.#healings, event.kind, event.count);
    if (levelOf(event) === "info") return;
    this.#errors.push({ time: new Date().toISOString(), text: textOf(event) });
    if (this.#errors.length > errorsMax) this.#errors.shift();
  }

  report(): AgentReport {
    return {
      ...{ version: this.#version, pid: process.pid, since: this.#since.toISOString() },
      ...{ calls: this.#calls, failed: this.#failed, handedBack: this.#handedBack },
      ...{ declined: this.#declined, healings: this.#healings, errors: this.#errors },
    };
  }
}

function add(counts: Record<string, number>, key: string, count = 1): void {
  counts[key] = (counts[key] ?? 0) + count;
}

/** `ADD of c1 eth0 failed: No free address in …`, `declined: the launcher is of version …`. */
function textOf(event: AgentEvent): string {
  if (event.what === "call") {
    const { verb, container, ifname, error } = event;
    return `${[verb, "of", container, ifname].filter(Boolean).join(" ")} failed${error === undefined ? "" : `: ${error}`}`;
  }
  if (event.what === "contested") {
    const { kind, by = "another program", delayMs } = event;
    return `${by} removes ${kind} again and again: the next repair waits ${delayMs / 1000} s`;
  }
  return "because" in event ? `${event.what}: ${event.because}` : event.what;
}
