/** What a plugin that comes after another one has done to an attachment: enough to undo it without a configuration. */
import type { Database } from "bun:sqlite";
import type { Attachment } from "../../conf/attachment.ts";

const ofRow = "network = ? AND container = ? AND ifname = ? AND plugin = ?";

const sql = {
  remember: "REPLACE INTO chained (network, container, ifname, plugin, steps) VALUES (?, ?, ?, ?, ?)",
  recall: `SELECT steps FROM chained WHERE ${ofRow}`,
  forget: `DELETE FROM chained WHERE ${ofRow}`,
  plugins: "SELECT plugin FROM chained WHERE network = ? AND container = ? AND ifname = ?",
  stepsOf: "SELECT steps FROM chained WHERE network = ? AND container = ? AND ifname = ?",
  steps: "SELECT steps FROM chained",
  ofNetwork: "SELECT network, container, ifname FROM chained WHERE network = ? AND plugin = ?",
};

export class ChainedRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  remember({ network, container, ifname }: Attachment, plugin: string, steps: readonly unknown[]): void {
    this.#database.query(sql.remember).run(network, container, ifname, plugin, JSON.stringify(steps));
  }

  recall({ network, container, ifname }: Attachment, plugin: string): readonly unknown[] | undefined {
    const [row] = this.#database.query(sql.recall).values(network, container, ifname, plugin);
    return row && (JSON.parse(String(row[0])) as unknown[]);
  }

  plugins({ network, container, ifname }: Attachment): string[] {
    return this.#database
      .query(sql.plugins)
      .values(network, container, ifname)
      .map(([plugin]) => String(plugin));
  }

  /** Of every plugin; without an attachment, of all. */
  steps(of?: Attachment): (readonly unknown[])[] {
    const rows = of
      ? this.#database.query(sql.stepsOf).values(of.network, of.container, of.ifname)
      : this.#database.query(sql.steps).values();
    return rows.map(([steps]) => JSON.parse(String(steps)) as unknown[]);
  }

  forget({ network, container, ifname }: Attachment, plugin: string): void {
    this.#database.query(sql.forget).run(network, container, ifname, plugin);
  }

  ofNetwork(network: string, plugin: string): Attachment[] {
    return this.#database.query<Attachment, [string, string]>(sql.ofNetwork).all(network, plugin);
  }
}
