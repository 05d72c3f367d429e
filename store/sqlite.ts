/** The store in SQLite. Prepares a statement when it is first needed, because preparing costs more than running. */

import type { Database, SQLQueryBindings } from "bun:sqlite";
import type { Attachment } from "../conf/attachment.ts";
import { code, Fault } from "../conf/fault.ts";
import { type Address, formatAddress } from "../ip/address.ts";
import { currentCall } from "../sys/sharedProcess.ts";
import defer * as adopt from "./adopt.ts";
import defer * as answers from "./answers.ts";
import defer * as chained from "./chained.ts";
import { InProgress, isInProgress, pidNamespace as ownPidNamespace, thisProcess } from "./claim.ts";
import defer * as counts from "./counts.ts";
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
import type { StoreFile } from "./file/damaged.ts";
import { guarded } from "./file/failure.ts";
import { logBytesMax } from "./file/limits.ts";
import { shortenLog } from "./file/writeAheadLog.ts";
import { addressKey, keyOf } from "./keys.ts";
import defer * as ports from "./ports.ts";
import { entryOf, type MemoryRow, memoryOf, nothingRemembered, owned, type Row } from "./row.ts";
import { sql } from "./statements.ts";
import type { Answers, Counts, Store } from "./store.ts";

export class SqliteStore implements Store {
  readonly #file: StoreFile;
  readonly #database: Database;
  readonly #isKept: boolean;

  /** `isKept`: `close` does nothing, because other calls use it, too. */
  constructor(file: StoreFile, database: Database, isKept = false) {
    this.#file = file;
    this.#database = database;
    this.#isKept = isKept;
  }

  begin(entry: NewEntry, grant: (existing: Entry | undefined) => Grant | "keep"): Begun {
    return this.#transaction(() => {
      const row = this.#row("find", ...keyOf(entry.attachment));
      const existing = row === undefined ? undefined : entryOf(row);
      if (existing !== undefined && isInProgress(existing)) throw new InProgress(existing);
      const decided = grant(existing);
      if (row === undefined || existing === undefined) {
        if (decided === "keep")
          throw new Fault(code.internal, "Cannot keep the addresses of an attachment without any");
        this.#claimPorts(entry, decided.addresses);
        return { entry: this.#insert(entry, decided), made: true };
      }
      this.#claimPorts(entry, decided === "keep" ? existing.addresses : decided.addresses);
      const taken = this.#takeOver(row.id, existing, entry);
      if (decided === "keep") return { entry: taken, made: false, before: existing };
      return { entry: this.#regrant(row.id, taken, decided), made: true, before: existing };
    });
  }

  attached(attachment: Attachment, result: Parameters<Store["attached"]>[1]): boolean {
    const addresses = result.addresses === undefined ? null : JSON.stringify(result.addresses);
    const steps = result.steps === undefined ? null : JSON.stringify(result.steps);
    const by = [...keyOf(attachment), `${ownPidNamespace()}`, currentCall()];
    const [updated] = this.#values("attached", result.mac ?? null, addresses, steps, ...by);
    shortenLog(this.#file, this.#database, logBytesMax.attached);
    return updated !== undefined;
  }

  get answers(): Answers {
    return new answers.AnswerRows(this.#database);
  }

  get counts(): Counts {
    return new counts.AttachmentCounts(this.#file, this.#database);
  }

  answered(attachment: Attachment, addresses: readonly LeasedAddress[], delegated: Delegated): void {
    this.#values("answered", JSON.stringify(addresses), JSON.stringify(delegated), ...keyOf(attachment));
  }

  deleting(attachment: Attachment): Entry | undefined {
    for (;;) {
      const entry = this.find(attachment);
      if (entry === undefined || this.claim(entry)) return entry;
    }
  }

  claim(entry: Entry): boolean {
    if (isInProgress(entry)) throw new InProgress(entry);
    const { bootId, pid, pidStart, pidNamespace, call } = thisProcess();
    const ofBefore = [entry.pid, `${entry.pidStart}`, `${entry.pidNamespace}`, entry.call];
    const before = [...keyOf(entry.attachment), entry.state, ...ofBefore];
    return this.#values("claim", bootId, pid, `${pidStart}`, `${pidNamespace}`, call, ...before).length > 0;
  }

  markGone(attachment: Attachment, goneMs: number | undefined): void {
    this.#values("markGone", goneMs ?? null, ...keyOf(attachment));
  }

  sweep(bootId: string, most: number): number {
    return this.#values("sweep", bootId, most).length;
  }

  remember(later: ChainedRecord, claim?: PortClaim): ChainedRecord | undefined {
    return this.#transaction(() => {
      if (claim) ports.claimPorts(this.#database, later, claim.mappings, claim.addresses);
      return this.#chained.remember(later);
    });
  }

  recall(key: ChainedKey): ChainedRecord | undefined {
    return guarded(this.#file, () => this.#chained.recall(key));
  }

  chainedRecords(attachment: Attachment): ChainedRecord[] {
    return guarded(this.#file, () => this.#chained.of(attachment));
  }

  chainedRecordsOf(network?: string, plugin?: string): ChainedRecord[] {
    return guarded(this.#file, () => this.#chained.ofNetwork(network, plugin));
  }

  chainedSteps(attachment?: Attachment): Pick<ChainedRecord, "steps">[] {
    return guarded(this.#file, () => this.#chained.steps(attachment));
  }

  forget(key: ChainedKey): void {
    this.#transaction(() => {
      ports.releasePorts(this.#database, key.attachment, key.plugin);
      this.#chained.forget(key);
    });
  }

  get #chained() {
    return new chained.ChainedRows(this.#database);
  }

  #claimPorts(entry: NewEntry, addresses: readonly LeasedAddress[]): void {
    if (entry.ports) ports.claimPorts(this.#database, { ...entry, plugin: "ns-net" }, entry.ports, addresses);
  }

  adopt(network: string, adopted: readonly Adopted[], remembering: (memory: NetworkMemory) => NetworkMemory): void {
    this.#transaction(() => {
      adopt.enterAdopted(this.#database, adopted);
      this.#remember(network, remembering(this.memory(network) ?? nothingRemembered));
    });
  }

  forgetAdoption(): void {
    this.#values("forgetAdoption");
  }

  find(attachment: Attachment): Entry | undefined {
    return this.#entry("find", ...keyOf(attachment));
  }

  entries(network?: string): Entry[] {
    return (network === undefined ? this.#rows("entries") : this.#rows("entriesOf", network)).map(entryOf);
  }

  remove(attachment: Attachment): boolean {
    const [removed] = this.#values("remove", ...keyOf(attachment));
    shortenLog(this.#file, this.#database, logBytesMax.remove);
    return removed !== undefined;
  }

  holder(network: string, address: Address): Entry | undefined {
    return this.#entry("holder", network, addressKey(address));
  }

  reservedCount(network: string, first: Address, last: Address): number {
    return this.#count("reservedCount", network, addressKey(first), addressKey(last));
  }

  exclusively<T>(work: () => T): T {
    return this.#transaction(work);
  }

  isEmpty(): boolean {
    return this.#count("occupants") === 0;
  }

  requireWritable(): void {
    this.#values("forgetNothing");
  }

  damage(): string | undefined {
    const [first] = guarded(this.#file, () => this.#database.prepare("PRAGMA integrity_check(1)").values()[0]) ?? [];
    return first === "ok" ? undefined : String(first);
  }

  memory(network: string): NetworkMemory | undefined {
    const [row] = this.#values("memory", network);
    return row && memoryOf(row as MemoryRow);
  }

  forgetNetwork(network: string): void {
    this.#values("forgetNetwork", network);
  }

  networks(): string[] {
    return this.#values("networks").map(([name]) => String(name));
  }

  networksOf(container: string, ifname: string): string[] {
    return this.#values("networksOf", container, ifname, container, ifname).map(([name]) => String(name));
  }

  subnetsOfOthers(network: string): string[] {
    return this.#values("subnetsOfOthers", network).map(([subnet]) => String(subnet));
  }

  close(): void {
    if (!this.#isKept) guarded(this.#file, () => this.#database.close());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #insert(entry: NewEntry, grant: Grant): Entry {
    const createdMs = Date.now();
    const addresses = JSON.stringify(grant.addresses);
    const [inserted] = this.#values("insert", ...keyOf(entry.attachment), createdMs, addresses, ...owned(entry));
    this.#reserve(Number(inserted?.[0]), entry.attachment.network, grant);
    return { ...entry, state: "adding", createdMs, addresses: grant.addresses };
  }

  #takeOver(id: number, existing: Entry, entry: NewEntry): Entry {
    this.#values("takeOver", ...owned(entry), id);
    return { ...existing, ...entry, state: "adding" };
  }

  #regrant(id: number, { delegated: _, ...kept }: Entry, grant: Grant): Entry {
    this.#values("regrant", JSON.stringify(grant.addresses), id);
    this.#values("unreserve", id);
    this.#reserve(id, kept.attachment.network, grant);
    return { ...kept, addresses: grant.addresses };
  }

  #reserve(id: number, network: string, { reserved, memory }: Grant): void {
    for (const address of reserved) {
      this.#values("reserve", network, addressKey(address), formatAddress(address), id);
    }
    if (memory !== undefined) this.#remember(network, memory);
  }

  #remember(network: string, { chosen, subnets, cursors, adoptedFrom }: NetworkMemory): void {
    const json = [JSON.stringify(subnets), JSON.stringify(cursors)] as const;
    this.#values("remember", network, chosen ?? null, ...json, adoptedFrom ?? null);
  }

  /**
   * IMMEDIATE: a transaction that reads first and then writes would fail instead of waiting if another process wrote in
   * between. Inside another transaction, `body` is a part of that one.
   */
  #transaction<T>(body: () => T): T {
    if (this.#database.inTransaction) return body();
    return guarded(this.#file, () => {
      this.#database.run("BEGIN IMMEDIATE");
      try {
        const result = body();
        this.#database.run("COMMIT");
        return result;
      } catch (error) {
        // With a full disk SQLite has rolled back already.
        if (this.#database.inTransaction) this.#database.run("ROLLBACK");
        throw error;
      }
    });
  }

  #values(name: keyof typeof sql, ...bindings: SQLQueryBindings[]): unknown[][] {
    return guarded(this.#file, () => this.#database.query(sql[name]).values(...bindings));
  }

  #rows(name: keyof typeof sql, ...bindings: SQLQueryBindings[]): Row[] {
    return guarded(this.#file, () => this.#database.query<Row, SQLQueryBindings[]>(sql[name]).all(...bindings));
  }

  #row(name: keyof typeof sql, ...bindings: SQLQueryBindings[]): Row | undefined {
    return this.#rows(name, ...bindings)[0];
  }

  #entry(name: keyof typeof sql, ...bindings: SQLQueryBindings[]): Entry | undefined {
    const row = this.#row(name, ...bindings);
    return row === undefined ? undefined : entryOf(row);
  }

  #count(name: keyof typeof sql, ...bindings: SQLQueryBindings[]): number {
    return Number(this.#values(name, ...bindings)[0]?.[0]);
  }
}
