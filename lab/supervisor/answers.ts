/** The answers of a supervisor. Pids are those of the lab's PID namespace, which the client translates. */

import type { ImpairEntry, Impairing } from "../file/labFile.ts";
import type { Lab } from "../model/lab.ts";
import type { LabState } from "./state.ts";

export interface Inspected {
  readonly hosts: readonly Holder[];
  readonly outside: Holder | undefined;
  readonly pods: readonly InspectedPod[];
}

/** A process that holds namespaces. */
interface Holder {
  readonly name: string;
  readonly pid: number;
  /** The inode of the network namespace. */
  readonly inode: number;
}

interface InspectedPod extends Holder {
  readonly host: string;
  readonly joins: string | null;
  readonly interfaces: readonly {
    readonly name: string;
    /** Null for the end of a link. */
    readonly network: string | null;
    /** With prefix length. */
    readonly addresses: readonly string[];
    readonly mac: string;
    /** The host's end of its veth pair; null for the end of a link. */
    readonly hostLink: string | null;
  }[];
  /** As the file writes them: `8080:80`, `127.0.0.1:53:53/udp`. */
  readonly publishes: readonly string[];
  /** `http:80` */
  readonly serves: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface PodStatus {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly serves: readonly string[];
  readonly publishes: readonly string[];
  /** The command `run`; null without one. `done`: exit code 0. */
  readonly run: { readonly state: "running" | "done" | "failed"; readonly exitCode: number | null } | null;
  /** True while the process that holds its namespaces lives, and with it the pod. */
  readonly alive: boolean;
}

/** The request of `lab impair`. */
export interface ImpairRequest {
  readonly at: string;
  readonly direction: ImpairEntry["direction"];
  readonly values: Impairing;
  /** Removes everything instead. */
  readonly clear: boolean;
}

/** The lab as it is in the supervisor. */
export interface Running {
  readonly lab: Lab;
  /** Pods, hosts and outside whose first process has ended. */
  readonly dead: readonly string[];
}

/** The request to become another lab. */
export interface ApplyRequest {
  readonly lab: Lab;
  /** Pods that end, for good or to be started again. */
  readonly stopped: readonly string[];
  /** The state of the lab afterwards. */
  readonly next: LabState;
}

/** A failure in words. */
export interface Refusal {
  readonly failed: string;
  readonly cure: string;
}

/** A line from the supervisor while the lab is made or changed: one thing done, then the end. */
export type Report =
  | { readonly done: number; readonly total: number; readonly now: string }
  | { readonly up: Inspected }
  | Refusal;
