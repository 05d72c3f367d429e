/**
 * One call by a runtime or a person, and where it came from. Verbs read this and no global of the process, so that one
 * process can serve several calls, also of several hosts.
 */
import type { Netns } from "../sys/netns.ts";
import type { Environment } from "./env.ts";

export interface Call {
  /** CNI's variables, and those of ns-net (NSNET_LOG, NSNET_DEBUG). */
  readonly env: Environment;
  /** The network configuration, as it came. */
  readonly stdin: Uint8Array;
  /** The name or the path that the executable was called by. */
  readonly argv0: string;
  /** The network namespace of the host, open. Absent: the one that the process is in. */
  readonly namespace?: Netns | undefined;
  /** Names the call in the log. */
  readonly id: string;
  /** A launcher waits for the answer, and repeats the call under the same id if the answer does not come: it is kept. */
  readonly isHandedOver?: boolean;
  /** The call may have been served under this id already: the first answer counts. */
  readonly isRepeated?: boolean;
  readonly interruption: Interruption;
  /** Deletes the host's links of these names without blocking the thread, and answers those that there were. Absent: DEL does it. */
  readonly deleteLinks?: DeleteLinks;
  /** Takes text for the person who reads the runtime's log, each with its end of line. */
  stderr(text: string | Uint8Array): void;
}

export type DeleteLinks = (network: string, names: readonly string[]) => Promise<ReadonlySet<string>>;

/** Signals that ask for a call's end. ADD undoes what it made before it ends; DEL and GC finish. */
export interface Interruption {
  /** Resolves to the name of the signal that came, or to undefined. */
  came(): Promise<string | undefined>;
  /** Passes each signal from now on to `handle`, until the answer is disposed of. */
  passTo(handle: (signal: NodeJS.Signals) => void): Disposable;
}
