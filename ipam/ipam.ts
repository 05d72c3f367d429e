/** The contract of every kind of IPAM (its tests: test/ipam/contract.ts). */

import type { Attachment } from "../conf/attachment.ts";
import type { Call } from "../conf/call.ts";
import type { IpamConfig } from "../conf/config/config.ts";
import type { CollectRequest, DeleteRequest, Request, StatusRequest } from "../conf/request.ts";
import type { Dns, Route } from "../conf/result/result.ts";
import type { Entry, LeasedAddress, NewEntry } from "../store/entry.ts";
import type { Store } from "../store/store.ts";

export interface Lease {
  readonly addresses: readonly LeasedAddress[];
  readonly routes: readonly Route[];
  readonly dns?: Dns;
  /** True if this call created the lease, so that a failed ADD releases it; false if it existed. */
  readonly made: boolean;
  /** The entry that the attachment had before: from an ADD without a DEL. */
  readonly before?: Entry | undefined;
}

/**
 * The destinations (CIDR) of the host's routes, which a chosen subnet must not overlap. A function, because it is
 * needed only if a subnet must be chosen.
 */
export type HostNetworks = () => readonly string[];

/** The access to the host that taking over leases of the reference's host-local needs. */
export interface Adoption {
  /**
   * Locks a file by flock(2) until the answer is disposed of. Throws Fault (code 11) if another process holds it for
   * too long.
   */
  lock(path: string): Disposable;
  /** True if the reservations of the attachment are of another container, which the reference made later under that name. */
  isReplaced(entry: Entry, reserved: readonly string[]): boolean;
  /** Removes reservations that the container no longer needs. */
  release(container: string, files: readonly string[]): void;
  /** The entry for an attachment that has these addresses. */
  entryOf(attachment: Attachment, addresses: readonly string[]): NewEntry;
  /** The bridge that the attachments are ports of; absent: not known, or none. */
  readonly portsOf?: string | undefined;
}

export interface AcquireContext<C extends IpamConfig> {
  /** Where a delegate is started, and where what it writes to standard error goes. */
  readonly call: Call;
  readonly request: Request;
  readonly config: C;
  /** The entry of this attachment. It is written in the transaction of the lease. */
  readonly entry: NewEntry;
  readonly store: Store;
  readonly hostNetworks: HostNetworks;
  /** Prepares the call of another plugin, after the entry is written. Answers how to undo it. */
  readonly prepare?: ((before: Entry | undefined) => () => readonly Error[]) | undefined;
  /** Called for an existing entry before this call takes it over. Throws Fault if its attachment is alive. */
  readonly mayTakeOver?: ((existing: Entry) => void) | undefined;
  /** Called only if there are such leases. Absent: none are taken over. */
  readonly adoption?: () => Adoption;
}

/** `C` is the configuration of this kind. */
export interface Ipam<C extends IpamConfig = IpamConfig> {
  /**
   * Acquires a lease and writes the entry ("adding") in one transaction. No transaction is open while a process runs. A
   * repeated call answers the same lease with `made: false`. Throws Fault.
   */
  acquire(context: AcquireContext<C>): Lease | Promise<Lease>;
  /** Frees the addresses and removes the entry. An absent entry, or store, is success. */
  release(request: DeleteRequest, store: Store | undefined, call: Call): void | Promise<void>;
  /** Throws Fault (code.checkFailed) with expected and found if the lease is missing or is not `addresses` (CIDR). */
  check(request: Request, config: C, store: Store, addresses: readonly string[], call: Call): void | Promise<void>;
  /** Passes GC on to a delegate. Our own leases are removed one by one with `release`. */
  collect?(request: CollectRequest, call: Call): void | Promise<void>;
  /** Throws Fault (code.unavailable) if no address can be given. */
  status(request: StatusRequest, config: C, store: Store, hostNetworks: HostNetworks, call: Call): void | Promise<void>;
}
