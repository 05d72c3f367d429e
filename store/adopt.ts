/** Rows of attachments that the reference created. Runs inside a transaction of the store; loaded if there are any. */
import type { Database } from "bun:sqlite";
import { parseCidr } from "../ip/address.ts";
import type { Adopted } from "./entry.ts";
import { addressKey } from "./keys.ts";
import { owned, ownedColumns } from "./row.ts";

const columns = `network, container, ifname, state, created_ms, addresses, steps, ${ownedColumns}`;
const marks = ownedColumns.map(() => "?").join(", ");

const sql = {
  enter: `INSERT INTO attachment (${columns}) VALUES (?, ?, ?, 'attached', ?, ?, ?, ${marks})
    ON CONFLICT (network, container, ifname) DO UPDATE SET addresses = excluded.addresses, steps = excluded.steps
    WHERE state = 'attached' RETURNING id`,
  reserve: "INSERT OR IGNORE INTO lease (network, address_key, address, attachment_id) VALUES (?, ?, ?, ?)",
};

export function enterAdopted(database: Database, adopted: readonly Adopted[]): void {
  for (const { entry, createdMs, addresses, steps } of adopted) {
    const { network, container, ifname } = entry.attachment;
    const said = [createdMs, JSON.stringify(addresses), JSON.stringify(steps)] as const;
    const [row] = database.query(sql.enter).values(network, container, ifname, ...said, ...owned(entry));
    if (row === undefined) continue; // another process is at work on it, and keeps it
    for (const { address } of addresses) {
      const text = address.slice(0, address.indexOf("/"));
      database.query(sql.reserve).run(network, addressKey(parseCidr(address)!), text, Number(row[0]));
    }
  }
}
