/** The store's contract; see the implementation below. */
import type { Attachment } from "../conf/attachment.ts";
import type { LeasedAddress } from "./ipam.ts";

export type State = "adding" | "attached" | "deleting";

/** What ADD knows of an attachment before it touches the kernel. */
export interface NewEntry {
  readonly attachment: Attachment;
  readonly netnsPath: string;
  /** The namespace's identity (stat of the nsfs file), so that a reused path is not mistaken for it. */
  readonly netnsDevice: bigint;
  readonly netnsInode: bigint;
  /** /proc/sys/kernel/random/boot_id: what the entry describes dies with the boot. */
  readonly bootId: string;
  /** The process doing the ADD, and its start time (field 22 of /proc/PID/stat), so that a reused pid is not mistaken for it. */
  readonly pid: number;
  readonly pidStart: bigint;
  readonly bridge: string;
  readonly hostLink: string;
  readonly ipamType: string;
  readonly podNamespace?: string;
  readonly podName?: string;
}

export interface Entry extends NewEntry {
  readonly state: State;
  readonly createdMs: number;
  readonly mac?: string;
  readonly addresses: readonly LeasedAddress[];
}
