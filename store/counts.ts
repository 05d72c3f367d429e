/** How many attachments there are. */
import type { Database } from "bun:sqlite";
import type { Entry } from "./entry.ts";
import type { StoreFile } from "./file/damaged.ts";
import { guarded } from "./file/failure.ts";
import { entryOf, type Row } from "./row.ts";
import type { Counts } from "./store.ts";

const sql = {
  attached: "SELECT network, count(*) AS count FROM attachment WHERE state = 'attached' GROUP BY network",
  unfinished: "SELECT * FROM attachment WHERE state <> 'attached' ORDER BY created_ms, id",
  stale: "SELECT count(*) AS count FROM attachment WHERE network = ? AND boot_id <> ?",
} as const;

interface Counted {
  readonly network: string;
  readonly count: number;
}

export class AttachmentCounts implements Counts {
  readonly #file: StoreFile;
  readonly #database: Database;

  constructor(file: StoreFile, database: Database) {
    this.#file = file;
    this.#database = database;
  }

  attached(): Counted[] {
    return guarded(this.#file, () => this.#database.query<Counted, []>(sql.attached).all());
  }

  unfinished(): Entry[] {
    return guarded(this.#file, () => this.#database.query<Row, []>(sql.unfinished).all()).map(entryOf);
  }

  stale(network: string, bootId: string): number {
    const query = this.#database.query<Pick<Counted, "count">, [string, string]>(sql.stale);
    return guarded(this.#file, () => query.get(network, bootId))?.count ?? 0;
  }
}
