/** Calls that were handed over: results of ADDs until their callers have them, and claims that are given up. Loaded for such calls alone. */
import type { Database } from "bun:sqlite";
import type { Attachment } from "../conf/attachment.ts";
import { keyOf } from "./keys.ts";
import type { Answers } from "./store.ts";

const sql = {
  keep: "REPLACE INTO answer (call_id, network, container, ifname, result) VALUES (?, ?, ?, ?, ?)",
  find: "SELECT result FROM answer WHERE call_id = ?",
  giveUp: "UPDATE attachment SET pid = 0 WHERE call_id = ? AND state <> 'attached'",
  forget: "DELETE FROM answer WHERE call_id IN (SELECT value FROM json_each(?))",
} as const;

export class AnswerRows implements Answers {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  keep(attachment: Attachment, call: string, result: string): void {
    this.#database.query(sql.keep).run(call, ...keyOf(attachment), result);
  }

  find(call: string): string | undefined {
    const [row] = this.#database.query(sql.find).values(call);
    return row && String(row[0]);
  }

  giveUp(call: string): void {
    this.#database.query(sql.giveUp).run(call);
  }

  forget(calls: readonly string[]): void {
    this.#database.query(sql.forget).run(JSON.stringify(calls));
  }
}
