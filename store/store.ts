/** The contract of the store. store/file/open.ts opens it, store/sqlite.ts implements it, store/file/schema.ts has its tables. */

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
 * Writes the existing attachments into a new store, before any other process can see it. `aside` is the copy of the store
 * of the first format that this one replaces; undefined if there was none.
 */
export type Fill = (draft: Store, aside?: string) => void;

/**
 * All methods are synchronous and throw Fault: code 5 if the file cannot be read or written, 11 if another process held it
 * for too long. Each is one transaction; inside the callback of `begin`, reading methods are a part of that one.
 */
export interface Store extends Disposable {
  /**
   * Writes the entry (`adding`) and reserves its addresses in one transaction, taking over an existing entry. `grant`
   * answers the addresses, or "keep" for those of the existing entry; if it throws, nothing changes. Throws InProgress
   * while another process is at work on the attachment.
   */
  begin(entry: NewEntry, grant: (existing: Entry | undefined) => Grant | "keep"): Begun;
  /** Sets the state "attached". False if the entry is no longer this process's, because another process deleted it. */
  attached(
    attachment: Attachment,
    result: { mac?: string | undefined; addresses?: readonly LeasedAddress[]; steps?: readonly unknown[] },
  ): boolean;
  readonly answers: Answers;
  /** Records a delegate's answer, before the kernel is changed by it. */
  answered(attachment: Attachment, addresses: readonly LeasedAddress[], delegated: Delegated): void;
  /** Sets the state "deleting", by this process, and answers the entry as it was before; undefined if there is none. Throws InProgress. */
  deleting(attachment: Attachment): Entry | undefined;
  /** Does the same if the entry is unchanged since it was read; false if another process was first. */
  claim(entry: Entry): boolean;
  /** Notes when the entry's namespace was first found to be gone; undefined removes the note. */
  markGone(attachment: Attachment, goneMs: number | undefined): void;
  /** Removes at most `most` entries of other boots, without those of delegates. Answers how many. */
  sweep(bootId: string, most: number): number;
  /** Inserts attachments that the reference created, as `attached`, replacing earlier adopted entries, and updates the network's row. An address leased to another attachment stays with it. */
  adopt(network: string, adopted: readonly Adopted[], remembering: (memory: NetworkMemory) => NetworkMemory): void;
  /** Makes the next ADD of each network look for leases of the reference's host-local again. */
  forgetAdoption(): void;
  find(attachment: Attachment): Entry | undefined;
  /** Entries of one network or of all, oldest first. */
  entries(network?: string): Entry[];
  /**
   * Records what a chained plugin is about to do, and claims its ports. If a record with that configuration exists, answers
   * it and changes nothing. Throws Fault (code 11) for a port of another container.
   */
  remember(later: ChainedRecord, ports?: PortClaim): ChainedRecord | undefined;
  /** The record with that configuration, else the last of its type: the configuration may have been edited since. */
  recall(key: ChainedKey): ChainedRecord | undefined;
  /** The records of an attachment, the last one first. */
  chainedRecords(attachment: Attachment): ChainedRecord[];
  /** The records of a network and a type of plugin, or of all of them, the last one first. */
  chainedRecordsOf(network?: string, plugin?: string): ChainedRecord[];
  /** The steps of the records of an attachment or of all, in order. */
  chainedSteps(attachment?: Attachment): Pick<ChainedRecord, "steps">[];
  forget(key: ChainedKey): void;
  /** Removes the entry and frees its addresses. False if there was none. */
  remove(attachment: Attachment): boolean;
  /** The entry that holds an address of the network. */
  holder(network: string, address: Address): Entry | undefined;
  /** How many addresses from `first` to `last` are reserved in the network. */
  reservedCount(network: string, first: Address, last: Address): number;
  /** The networks on which that interface of the container is attached, or has records of chained plugins. */
  networksOf(container: string, ifname: string): string[];
  /** Runs `work` in a transaction, so that no other process begins or ends an attachment meanwhile. May be nested. */
  exclusively<T>(work: () => T): T;
  /** True if there is no attachment and no record. */
  isEmpty(): boolean;
  /** Throws Fault if the file cannot be written. */
  requireWritable(): void;
  /** The first error that SQLite finds in the whole file; undefined if none. */
  damage(): string | undefined;
  readonly counts: Counts;
  memory(network: string): NetworkMemory | undefined;
  /** Forgets which subnets a network had, so that others may get them. Does nothing while it has an attachment. */
  forgetNetwork(network: string): void;
  /** The names of all networks that ever had an attachment. */
  networks(): string[];
  /** CIDRs in use by all other networks. */
  subnetsOfOthers(network: string): string[];
  /**
   * Closes the file. It is not needed for safety: a process may end by _exit. The last one that closes it copies the log
   * into the main file, which takes three fsync; otherwise the next one to open it reads the log.
   */
  close(): void;
}

/** Results, as JSON, of ADDs that were handed over, by the name of the call, until their callers have them. They go with their attachments. */
export interface Answers {
  keep(attachment: Attachment, call: string, result: string): void;
  find(call: string): string | undefined;
  forget(calls: readonly string[]): void;
  /** The claims of the call look as if its process had ended: any process may take them over at once. */
  giveUp(call: string): void;
}

/** Attachments as numbers, without reading the steps of all: those of 500 attachments take 100 ms to parse. */
export interface Counts {
  /** How many each network has in the state "attached", without networks that have none. */
  attached(): { readonly network: string; readonly count: number }[];
  /** The others, which are few. */
  unfinished(): Entry[];
  /** How many of the network are from other boots. */
  stale(network: string, bootId: string): number;
}
