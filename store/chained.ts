/** Records of what chained plugins did to an attachment: enough to undo it without a configuration. */
import type { Database } from "bun:sqlite";
import type { Attachment } from "../conf/attachment.ts";
import type { ChainedKey, ChainedRecord } from "./entry.ts";
import { keyOf } from "./keys.ts";

interface Row {
  readonly network: string;
  readonly container: string;
  readonly ifname: string;
  readonly plugin: string;
  readonly config: string;
  readonly netns_path: string;
  readonly netns_device: string;
  readonly netns_inode: string;
  readonly netns_cookie: string;
  readonly boot_id: string;
  readonly steps: string;
}

const ofAttachment = "network = ? AND container = ? AND ifname = ?";

const sql = {
  remember: `INSERT OR IGNORE INTO chained (network, container, ifname, plugin, config, netns_path, netns_device,
    netns_inode, netns_cookie, boot_id, steps) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING 1`,
  recall: `SELECT * FROM chained WHERE ${ofAttachment} AND plugin = ? ORDER BY config = ? DESC, id DESC LIMIT 1`,
  forget: `DELETE FROM chained WHERE ${ofAttachment} AND plugin = ? AND config = ?`,
  of: `SELECT * FROM chained WHERE ${ofAttachment} ORDER BY id DESC`,
  ofNetwork:
    "SELECT * FROM chained WHERE network = ifnull(?1, network) AND plugin = ifnull(?2, plugin) ORDER BY id DESC",
  stepsOf: `SELECT steps FROM chained WHERE ${ofAttachment} ORDER BY id`,
  steps: "SELECT steps FROM chained ORDER BY id",
};

type Three = [string, string, string];

export class ChainedRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  remember(later: ChainedRecord): ChainedRecord | undefined {
    const { attachment, plugin, config, netnsPath, bootId, steps } = later;
    const numbers = [later.netnsDevice, later.netnsInode, later.netnsCookie].map(String);
    const where = [netnsPath, ...numbers, bootId] as const;
    const values = [...keyOf(attachment), plugin, config, ...where, JSON.stringify(steps)];
    const [written] = this.#database.query(sql.remember).values(...values);
    return written ? undefined : this.recall(later);
  }

  recall({ attachment, plugin, config }: ChainedKey): ChainedRecord | undefined {
    const row = this.#database
      .query<Row, [...Three, string, string]>(sql.recall)
      .get(...keyOf(attachment), plugin, config);
    return row ? chainedRecordsOf(row) : undefined;
  }

  of(attachment: Attachment): ChainedRecord[] {
    return this.#database
      .query<Row, Three>(sql.of)
      .all(...keyOf(attachment))
      .map(chainedRecordsOf);
  }

  ofNetwork(network?: string, plugin?: string): ChainedRecord[] {
    return this.#database
      .query<Row, [string | null, string | null]>(sql.ofNetwork)
      .all(network ?? null, plugin ?? null)
      .map(chainedRecordsOf);
  }

  /** The steps of every plugin, of one attachment or of all. */
  steps(of?: Attachment): Pick<ChainedRecord, "steps">[] {
    const rows = of ? this.#database.query(sql.stepsOf).values(...keyOf(of)) : this.#database.query(sql.steps).values();
    return rows.map(([steps]) => ({ steps: JSON.parse(String(steps)) as unknown[] }));
  }

  forget({ attachment, plugin, config }: ChainedKey): void {
    this.#database.query(sql.forget).run(...keyOf(attachment), plugin, config);
  }
}

function chainedRecordsOf({ network, container, ifname, plugin, config, steps, ...row }: Row): ChainedRecord {
  return {
    attachment: { network, container, ifname },
    plugin,
    config,
    netnsPath: row.netns_path,
    netnsDevice: BigInt(row.netns_device),
    netnsInode: BigInt(row.netns_inode),
    netnsCookie: BigInt(row.netns_cookie),
    bootId: row.boot_id,
    steps: JSON.parse(steps) as unknown[],
  };
}
