/** The store's SQL statements, by name. Parameters are in the order of the question marks. */
import { ownedColumns } from "./row.ts";

const ofAttachment = "network = ? AND container = ? AND ifname = ?";
/** With has_chained: whether chained plugins have records of the attachment. */
const entry = `SELECT *, EXISTS (SELECT 1 FROM chained AS c WHERE c.network = attachment.network
  AND c.container = attachment.container AND c.ifname = attachment.ifname) AS has_chained FROM attachment`;
const marks = `?${", ?".repeat(ownedColumns.length - 1)}`;

export const sql = {
  find: `${entry} WHERE ${ofAttachment}`,
  insert: `INSERT INTO attachment (network, container, ifname, state, created_ms, addresses, ${ownedColumns})
    VALUES (?, ?, ?, 'adding', ?, ?, ${marks}) RETURNING id`,
  takeOver: `UPDATE attachment SET state = 'adding', gone_ms = NULL, (${ownedColumns}) = (${marks}) WHERE id = ?`,
  regrant: "UPDATE attachment SET addresses = ?, delegated = NULL WHERE id = ?",
  reserve: "INSERT INTO lease (network, address_key, address, attachment_id) VALUES (?, ?, ?, ?)",
  unreserve: "DELETE FROM lease WHERE attachment_id = ?",
  attached: `UPDATE attachment SET state = 'attached', mac = ?, addresses = coalesce(?, addresses), steps = ?
    WHERE ${ofAttachment} AND (state = 'attached' OR state = 'adding' AND pid = ${process.pid}
    AND pid_namespace = ? AND call_id = ?) RETURNING 1`,
  answered: `UPDATE attachment SET addresses = ?, delegated = ? WHERE ${ofAttachment}`,
  claim: `UPDATE attachment SET state = 'deleting', boot_id = ?, pid = ?, pid_start = ?, pid_namespace = ?, call_id = ?
    WHERE ${ofAttachment} AND state = ? AND pid = ? AND pid_start = ? AND pid_namespace = ? AND call_id = ? RETURNING 1`,
  markGone: `UPDATE attachment SET gone_ms = ? WHERE ${ofAttachment}`,
  sweep: `DELETE FROM attachment WHERE id IN (SELECT id FROM attachment WHERE boot_id <> ?
    AND ipam_type IN ('ns-net', 'host-local', 'static', 'none') AND netns_inode <> '0' LIMIT ?) RETURNING 1`,
  entries: `${entry} ORDER BY created_ms, id`,
  entriesOf: `${entry} WHERE network = ? ORDER BY created_ms, id`,
  remove: `DELETE FROM attachment WHERE ${ofAttachment} RETURNING 1`,
  holder: `SELECT a.* FROM lease l JOIN attachment a ON a.id = l.attachment_id WHERE l.network = ? AND l.address_key = ?`,
  reservedCount: "SELECT count(*) FROM lease WHERE network = ? AND address_key BETWEEN ? AND ?",
  memory: "SELECT chosen, subnets, cursors, adopted_from FROM network WHERE name = ?",
  remember: "REPLACE INTO network (name, chosen, subnets, cursors, adopted_from) VALUES (?, ?, ?, ?, ?)",
  forgetAdoption: "UPDATE network SET adopted_from = NULL",
  occupants: "SELECT (SELECT count(*) FROM attachment) + (SELECT count(*) FROM chained)",
  forgetNetwork: `DELETE FROM network WHERE name = ?1
    AND NOT EXISTS (SELECT 1 FROM attachment WHERE network = ?1)`,
  forgetNothing: "DELETE FROM lease WHERE 0",
  networks: "SELECT name FROM network UNION SELECT network FROM attachment",
  networksOf: `SELECT network FROM attachment WHERE container = ? AND ifname = ?
    UNION SELECT network FROM chained WHERE container = ? AND ifname = ?`,
  subnetsOfOthers: "SELECT value FROM network, json_each(subnets) WHERE name <> ?",
};
