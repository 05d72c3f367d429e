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

/** The agent put back what was gone. */
export interface Healed {
  readonly what: "healed";
  /** The kind of the steps: `masquerade`, `ports`, `bridge`, `member` of a bridge, `address`, `sysctl`. */
  readonly kind: string;
  /** How many of them. */
  readonly count: number;
  /** Since the kernel reported the change. */
  readonly ms: number;
  /** The program that changed the rules, if the kernel said it. */
  readonly by?: string | undefined;
}

/** Another program removes again and again what the agent puts back, so the agent waits before it does it again. */
export interface Contested {
  readonly what: "contested";
  readonly kind: string;
  readonly by?: string | undefined;
  readonly delayMs: number;
}

/** The agent freed the leases of attachments that no longer exist. */
export interface Collected {
  readonly what: "collected";
  readonly network: string;
  readonly count: number;
}

/** The agent could not do something, and no caller gets to know of it otherwise. */
export interface Trouble {
  readonly what: "trouble";
  readonly because: string;
}

/** Events of the thread that repairs. */
export type HealingEvent = Healed | Contested | Collected | Trouble;

export type AgentEvent = CallServed | CallDeclined | CallHandedBack | Started | HealingEvent;

export type OnEvent = (event: AgentEvent) => void;
