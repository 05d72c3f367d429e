/** The contents of the store: entries of attachments, their leases and ports, and records of chained plugins. */

import type { Attachment } from "../conf/attachment.ts";
import type { PortMapping } from "../conf/config/config.ts";
import type { Dns, Route } from "../conf/result/result.ts";
import type { Address } from "../ip/address.ts";

/** How far an attachment got. `adding` and `deleting` with a dead owner are left by a crash. */
export type State = "adding" | "attached" | "deleting";

/** An attachment as ADD knows it before it changes the kernel. */
export interface NewEntry {
  readonly attachment: Attachment;
  readonly netnsPath: string;
  /** The namespace's identity (stat of the nsfs file), so that a reused path is not mistaken for it. */
  readonly netnsDevice: bigint;
  readonly netnsInode: bigint;
  /** SO_NETNS_COOKIE, which the kernel never reuses; 0: unknown. */
  readonly netnsCookie: bigint;
  /** /proc/sys/kernel/random/boot_id: after a reboot, what the entry describes is gone. */
  readonly bootId: string;
  /** The process doing the ADD, and its start time (field 22 of /proc/PID/stat), so that a reused pid is not mistaken for it. */
  readonly pid: number;
  readonly pidStart: bigint;
  /** The PID namespace that `pid` is a number of (inode of its nsfs file). */
  readonly pidNamespace: bigint;
  /** The call at work, if it was handed over (sys/sharedProcess.ts); "" otherwise. */
  readonly call: string;
  readonly bridge: string;
  readonly hostLink: string;
  readonly ipamType: string;
  readonly podNamespace?: string | undefined;
  readonly podName?: string | undefined;
  /** Further names of the container, from the runtime. */
  readonly aliases?: readonly string[] | undefined;
  /** Requested ports of the host; claimed in the transaction that begins the attachment. */
  readonly ports?: readonly PortMapping[] | undefined;
}

export interface Entry extends NewEntry {
  readonly state: State;
  readonly createdMs: number;
  readonly mac?: string | undefined;
  readonly addresses: readonly LeasedAddress[];
  /** The committed steps as plain data, which the store does not interpret (stepsOf in step/index.ts). */
  readonly steps?: readonly unknown[] | undefined;
  /** A delegate's answer besides addresses, so that a repeated ADD need not run it again. */
  readonly delegated?: Delegated | undefined;
  /** When its namespace and its link were first found to be gone; milliseconds since boot. */
  readonly goneMs?: number | undefined;
  /** Chained plugins have records of the attachment. */
  readonly hasChained?: true | undefined;
}

/** Identifies a chained plugin of an attachment. A type may be several times in a list, with different configurations. */
export interface ChainedKey {
  readonly attachment: Attachment;
  readonly plugin: string;
  /** A hash of its configuration; empty for a type that can be in a list only once. */
  readonly config: string;
}

/** The steps of a chained plugin, and the namespace that they changed. */
export interface ChainedRecord extends ChainedKey, PortOwner {
  readonly steps: readonly unknown[];
}

export interface Delegated {
  readonly routes: readonly Route[];
  readonly dns?: Dns;
}

/** The store's memory of a network between attachments. */
export interface NetworkMemory {
  /** CIDR chosen for a network without ranges; it does not change. */
  readonly chosen?: string | undefined;
  /** CIDRs in use by the network, which are not chosen for other networks. */
  readonly subnets: readonly string[];
  /** The address given last, by index of the range set: the search for the next one begins after it. */
  readonly cursors: Readonly<Record<string, string>>;
  /** Folder of the reference's host-local whose leases were taken over; "" if there was none; absent before the first look. */
  readonly adoptedFrom?: string | undefined;
}

/** An attachment that the reference created and ns-net takes over. */
export interface Adopted {
  readonly entry: NewEntry;
  readonly createdMs: number;
  readonly addresses: readonly LeasedAddress[];
  readonly steps: readonly unknown[];
}

/** The addresses for an attachment, as decided inside `begin`. */
export interface Grant {
  /** The addresses of the entry. */
  readonly addresses: readonly LeasedAddress[];
  /** Addresses that no other attachment of the network may get; empty for static addresses and delegates. */
  readonly reserved: readonly Address[];
  /** Absent: nothing new to remember. */
  readonly memory?: NetworkMemory | undefined;
}

export interface Begun {
  readonly entry: Entry;
  /** True if this call created the lease; false if it existed. */
  readonly made: boolean;
  /** The entry as this call found it. */
  readonly before?: Entry | undefined;
}

/** Ports of the host to be published for a container with these addresses. */
export interface PortClaim {
  readonly mappings: readonly PortMapping[];
  readonly addresses: readonly LeasedAddress[];
}

export interface LeasedAddress {
  /** CIDR: the address with the prefix length of its subnet. */
  readonly address: string;
  readonly gateway?: string | undefined;
}

/** The owner of a port: a plugin of an attachment, with the namespace it runs for. */
export interface PortOwner {
  readonly attachment: Attachment;
  readonly plugin: string;
  readonly netnsPath: string;
  readonly netnsDevice: bigint;
  readonly netnsInode: bigint;
  readonly netnsCookie: bigint;
  readonly bootId: string;
}
