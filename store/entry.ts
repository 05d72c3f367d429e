/** What the store keeps: entries of attachments, their leases and ports, and what chained plugins did. */

import type { Attachment } from "../conf/attachment.ts";
import type { PortMapping } from "../conf/config/config.ts";
import type { Dns, Route } from "../conf/result/result.ts";
import type { Address } from "../ip/address.ts";

/** How far an attachment got. `adding` and `deleting` with a dead owner are what a crash leaves behind. */
export type State = "adding" | "attached" | "deleting";

/** What ADD knows of an attachment before it touches the kernel. */
export interface NewEntry {
  readonly attachment: Attachment;
  readonly netnsPath: string;
  /** The namespace's identity (stat of the nsfs file), so that a reused path is not mistaken for it. */
  readonly netnsDevice: bigint;
  readonly netnsInode: bigint;
  /** SO_NETNS_COOKIE, which no other namespace has after it; 0: not known. */
  readonly netnsCookie: bigint;
  /** /proc/sys/kernel/random/boot_id: what the entry describes dies with the boot. */
  readonly bootId: string;
  /** The process doing the ADD, and its start time (field 22 of /proc/PID/stat), so that a reused pid is not mistaken for it. */
  readonly pid: number;
  readonly pidStart: bigint;
  /** The PID namespace that `pid` is a number of (inode of its nsfs file). */
  readonly pidNamespace: bigint;
  readonly bridge: string;
  readonly hostLink: string;
  readonly ipamType: string;
  readonly podNamespace?: string | undefined;
  readonly podName?: string | undefined;
  /** Further names of the container, as the runtime gave them. */
  readonly aliases?: readonly string[] | undefined;
  /** Ports of the host that the attachment asks for; claimed in the transaction that begins it. */
  readonly ports?: readonly PortMapping[] | undefined;
}

export interface Entry extends NewEntry {
  readonly state: State;
  readonly createdMs: number;
  readonly mac?: string | undefined;
  readonly addresses: readonly LeasedAddress[];
  /** The plan that was committed, as plain data: what it means is the plugin's affair. */
  readonly steps?: readonly unknown[] | undefined;
  /** What a delegate answered besides addresses, so that a repeated ADD need not run it again. */
  readonly delegated?: Delegated | undefined;
  /** Milliseconds since boot at which its namespace and its link were first seen to be gone. */
  readonly goneMs?: number | undefined;
  /** Plugins that come after another one remember something of it. */
  readonly hasChained?: true | undefined;
}

/** Which plugin that comes after another one: its type may be more than once in a list, with another configuration. */
export interface ChainedKey {
  readonly attachment: Attachment;
  readonly plugin: string;
  /** A hash of its configuration. */
  readonly config: string;
}

/** What such a plugin did to an attachment, and in which namespace. */
export interface ChainedRecord extends ChainedKey, PortOwner {
  readonly steps: readonly unknown[];
}

export interface Delegated {
  readonly routes: readonly Route[];
  readonly dns?: Dns;
}

/** What is remembered of a network between attachments. */
export interface NetworkMemory {
  /** CIDR that was chosen for a network without ranges; it stays chosen. */
  readonly chosen?: string | undefined;
  /** CIDRs in use by the network, so that none is chosen for another. */
  readonly subnets: readonly string[];
  /** The address given last, by index of the range set: the next one is searched after it. */
  readonly cursors: Readonly<Record<string, string>>;
  /** Folder of the reference's host-local whose leases were taken over; "" when there was none; absent: nobody has looked yet. */
  readonly adoptedFrom?: string | undefined;
}

/** An attachment that another program made and that is ours to keep from now on. */
export interface Adopted {
  readonly entry: NewEntry;
  readonly createdMs: number;
  readonly addresses: readonly LeasedAddress[];
  readonly steps: readonly unknown[];
}

/** The addresses for an attachment, as decided inside `begin`. */
export interface Grant {
  /** What the entry will say. */
  readonly addresses: readonly LeasedAddress[];
  /** Those that nobody else on the network may get; empty for static addresses and delegates. */
  readonly reserved: readonly Address[];
  /** Absent: nothing new to remember. */
  readonly memory?: NetworkMemory | undefined;
}

export interface Begun {
  readonly entry: Entry;
  /** True when this call made the lease; false when it stood already. */
  readonly made: boolean;
  /** The entry as this call found it. */
  readonly before?: Entry | undefined;
}

/** Ports of the host that are to lead to a container with these addresses. */
export interface PortClaim {
  readonly mappings: readonly PortMapping[];
  readonly addresses: readonly LeasedAddress[];
}

export interface LeasedAddress {
  /** CIDR: the address with the length of its subnet. */
  readonly address: string;
  readonly gateway?: string | undefined;
}

/** Who asks: an attachment, on behalf of the plugin of that type, in that namespace. */
export interface PortOwner {
  readonly attachment: Attachment;
  readonly plugin: string;
  readonly netnsPath: string;
  readonly netnsDevice: bigint;
  readonly netnsInode: bigint;
  readonly netnsCookie: bigint;
  readonly bootId: string;
}
