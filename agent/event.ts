/** The events of an agent: for its log, its metrics and `ns-net status`. */

interface Told {
  /** CNI_COMMAND. */
  readonly verb: string;
  /** The plugin's type, by the name that it was called by. */
  readonly type: string;
  readonly container: string;
  readonly ifname: string;
  readonly ms: number;
}

/** The agent served a call. `code` and `error` are those of CNI's error. */
export interface CallServed extends Told {
  readonly what: "call";
  readonly exitCode: number;
  readonly code?: number;
  readonly error?: string;
}

/** The agent left a call to its launcher, before it did anything. */
export interface CallDeclined {
  readonly what: "declined";
  /** One word. */
  readonly reason: string;
  readonly because: string;
}

/** The agent left a call to its launcher in the middle, because it would have held up the others. */
export interface CallHandedBack extends Told {
  readonly what: "handed back";
  readonly because: string;
}

/** The agent is ready for calls. */
export interface Started {
  readonly what: "started";
  readonly version: string;
  readonly pid: number;
  readonly socket: string;
  /** The port of the metrics, where they are served over TCP. */
  readonly port?: number;
}

/** A thing that was gone is back. */
export interface Healed {
  readonly what: "healed";
  /** One word: `rules`, `bridge`, `address`, … */
  readonly kind: string;
  readonly network?: string;
  readonly ms?: number;
}

/** The agent could not do something, and no caller gets to know of it otherwise. */
export interface Trouble {
  readonly what: "trouble";
  readonly because: string;
}

export type AgentEvent = CallServed | CallDeclined | CallHandedBack | Started | Healed | Trouble;

export type OnEvent = (event: AgentEvent) => void;
