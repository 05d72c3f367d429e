/** The contract of the store. store/file/open.ts opens it, store/sqlite.ts keeps it, store/file/schema.ts is the shape of its file. */

import type { Attachment } from "../conf/attachment.ts";
import type { Address } from "../ip/address.ts";
import type {
  Adopted,
  Begun,
  ChainedKey,
  ChainedRecord,
  Delegated,
  Entry,
  Grant,
  LeasedAddress,
  NetworkMemory,
  NewEntry,
  PortClaim,
} from "./entry.ts";

/**
 * Writes what is known of attachments that exist already, before any other process can see the new store. `aside` is
 * where a store of the first format is kept, which this one replaces; undefined where there was none.
 */
export type Fill = (draft: Store, aside?: string) => void;

/**
 * All methods are synchronous and throw Fault: code 5 when the file cannot be read or written, 11 when another process
 * held it for too long. Each is one transaction; inside the callback of `begin` the reading ones see that transaction.
 */
export interface Store extends Disposable {
  /**
   * The entry ("adding") and its reservations, in one transaction. An entry that stands already becomes this
   * call's. `grant` decides on that and on addresses; it is given the entry that stands, if any, and says "keep" when
   * that one's addresses still fit; what it throws leaves all as it was. Throws InProgress while another process is at
   * work on the attachment.
   */
  begin(entry: NewEntry, grant: (standing: Entry | undefined) => Grant | "keep"): Begun;
  /** The kernel is done: state "attached". False when the entry is no longer this process's: somebody deleted it. */
  attached(
    attachment: Attachment,
    result: { mac?: string | undefined; addresses?: readonly LeasedAddress[]; steps?: readonly unknown[] },
  ): boolean;
  /** What a delegate answered, kept before anything is built on it. */
  answered(attachment: Attachment, addresses: readonly LeasedAddress[], delegated: Delegated): void;
  /** State "deleting", by this process, and the entry as it stood before; undefined when there is none. Throws InProgress. */
  deleting(attachment: Attachment): Entry | undefined;
  /** As `deleting`, if the entry still is as it was read; false when somebody else was first. */
  claim(entry: Entry): boolean;
  /** Notes when the entry's namespace was first seen to be gone; undefined takes the note back. */
  markGone(attachment: Attachment, goneMs: number | undefined): void;
  /** Removes entries of other boots than this, `most` at once, but for those of delegates; how many it removed. */
  sweep(bootId: string, most: number): number;
  /** Enters them as attached, in place of what stood of them, and what is remembered of the network. An address that somebody holds stays theirs. */
  adopt(network: string, adopted: readonly Adopted[], remembering: (memory: NetworkMemory) => NetworkMemory): void;
  /** Every network is looked through again for leases of the reference's host-local. */
  forgetAdoption(): void;
  find(attachment: Attachment): Entry | undefined;
  /** Oldest first; of one network, or of all. */
  entries(network?: string): Entry[];
  /**
   * For plugins that come after another one: what they are to do to an attachment, and the ports it takes. Where one with
   * that configuration has done something already, what it did is the answer, and still all that is remembered. Throws
   * Fault (code 11) for a port that is taken.
   */
  remember(later: ChainedRecord, ports?: PortClaim): ChainedRecord | undefined;
  /** What one with that configuration did; if there is none, the last of its type, for a configuration may be edited meanwhile. */
  recall(key: ChainedKey): ChainedRecord | undefined;
  /** What each of them did to the attachment, the last one first. */
  chainedRecords(attachment: Attachment): ChainedRecord[];
  /** What those of one type did to a network's attachments, the last one first. */
  chainedRecordsOf(network: string, plugin: string): ChainedRecord[];
  /** What each of them did, in order, to this attachment or to any. */
  chainedSteps(attachment?: Attachment): Pick<ChainedRecord, "steps">[];
  forget(key: ChainedKey): void;
  /** Removes the entry and frees its addresses. False when there was none. */
  remove(attachment: Attachment): boolean;
  /** Who holds an address of the network. */
  holder(network: string, address: Address): Entry | undefined;
  /** How many addresses from `first` to `last` are reserved in the network. */
  reservedCount(network: string, first: Address, last: Address): number;
  /** The networks on which that interface of that container is attached, or has rules of a plugin that came after another one. */
  networksOf(container: string, ifname: string): string[];
  /** Keeps other processes from beginning or ending an attachment while `work` is done: what it reads here stays so. May be nested. */
  exclusively<T>(work: () => T): T;
  /** True when there is no attachment at all, of this plugin or of one that comes after another. */
  isEmpty(): boolean;
  /** Throws Fault where nothing may be written. */
  requireWritable(): void;
  /** What SQLite finds wrong with the file, read whole; undefined when it is right. */
  damage(): string | undefined;
  /** How many entries of the network are from another boot than this. */
  staleCount(network: string, bootId: string): number;
  memory(network: string): NetworkMemory | undefined;
  /** The names of all that have had an attachment. */
  networks(): string[];
  /** CIDRs in use by every network but this one. */
  subnetsOfOthers(network: string): string[];
  /**
   * Lets go of the file. Not needed for safety, and costs nothing: SQLite puts the log into the main file (three fsync)
   * only when the last process that has it open ends in the ordinary way, not by _exit; the next one reads the log.
   */
  close(): void;
}
