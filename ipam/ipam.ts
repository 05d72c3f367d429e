/** Who has which address: the contract every kind of IPAM keeps (shared suite: test/ipam/contract.ts). */

import type { Attachment } from "../conf/attachment.ts";
import type { IpamConfig } from "../conf/config/config.ts";
import type { CollectRequest, DeleteRequest, Request, StatusRequest } from "../conf/request.ts";
import type { Dns, Route } from "../conf/result/result.ts";
import type { Entry, LeasedAddress, NewEntry } from "../store/entry.ts";
import type { Store } from "../store/store.ts";

export interface Lease {
  readonly addresses: readonly LeasedAddress[];
  readonly routes: readonly Route[];
  readonly dns?: Dns;
  /** True when this call made the lease, so that a failed ADD releases it; false when it stood already. */
  readonly made: boolean;
  /** The entry of the attachment until now: an ADD to which no DEL came. */
  readonly before?: Entry | undefined;
}

/** The destinations of the host's routes, CIDR, so that a chosen subnet overlaps none. A function: asked only when a subnet must be chosen. */
export type HostNetworks = () => readonly string[];

/** What an IPAM that takes over leases of the reference's host-local must know of the host. */
export interface Adoption {
  /** flock(2) on a file, until it is disposed of. Throws Fault (code 11) when somebody holds it for too long. */
  lock(path: string): Disposable;
  /** Removes reservations that the container needs no longer. */
  release(container: string, files: readonly string[]): void;
  /** The entry of an attachment that has these addresses. */
  entryOf(attachment: Attachment, addresses: readonly string[]): NewEntry;
}

export interface AcquireContext<C extends IpamConfig> {
  readonly request: Request;
  readonly config: C;
  /** The entry of this attachment; written in the same transaction as the lease. */
  readonly entry: NewEntry;
  readonly store: Store;
  readonly hostNetworks: HostNetworks;
  /** What must be done before another plugin can be asked, and after the entry is written; answers how to undo it. */
  readonly prepare?: (before: Entry | undefined) => () => void;
  /** Asked of an entry before it becomes this call's. Throws Fault for one whose attachment lives. */
  readonly mayTakeOver?: (standing: Entry) => void;
  /** Asked only when there are such leases. Absent: none is looked for. */
  readonly adoption?: () => Adoption;
}

/** `C` is the configuration this kind serves; the index picks the kind by `config.ipam.type`. */
export interface Ipam<C extends IpamConfig = IpamConfig> {
  /** A lease for the attachment and its entry ("adding"), one transaction, none held while a process runs. A repeated call answers with the same lease, `made: false`. Throws Fault. */
  acquire(context: AcquireContext<C>): Lease | Promise<Lease>;
  /** Frees the addresses and removes the entry; absent is success, and so is a store that was never made. */
  release(request: DeleteRequest, store: Store | undefined): void | Promise<void>;
  /** Throws Fault (code.checkFailed) when the lease is missing or is not `addresses` (CIDR), naming expected and found. */
  check(request: Request, config: C, store: Store, addresses: readonly string[]): void | Promise<void>;
  /** Passes GC on to whoever else keeps leases (a delegate); ours are rows, removed one by one with `release`. */
  collect?(request: CollectRequest): void | Promise<void>;
  /** Throws Fault (code.unavailable) when no address can be given. */
  status(request: StatusRequest, config: C, store: Store, hostNetworks: HostNetworks): void | Promise<void>;
}
