/** Which attachment has which port of the host. Runs inside a transaction of the store; loaded if ports are requested. */

import type { Database } from "bun:sqlite";
import { type Attachment, attachmentText } from "../conf/attachment.ts";
import type { PortMapping, Protocol } from "../conf/config/config.ts";
import { lastPort } from "../conf/config/portRow.ts";
import { code, Fault } from "../conf/fault.ts";
import { type Family, familyOf } from "../ip/address.ts";
import { isAt } from "../netlink/sameNetns.ts";
import type { LeasedAddress, PortOwner } from "./entry.ts";

interface PortRow {
  readonly first_port: number;
  readonly last_port: number;
  readonly host: string;
  readonly network: string;
  readonly container: string;
  readonly ifname: string;
  readonly plugin: string;
  readonly created_ms: number;
  readonly netns_path: string;
  readonly netns_device: string;
  readonly netns_inode: string;
  readonly netns_cookie: string;
  readonly boot_id: string;
}

const sql = {
  others: `SELECT * FROM port WHERE protocol = ? AND first_port <= ? AND last_port >= ? AND container <> ?
    ORDER BY first_port`,
  drop: `DELETE FROM port WHERE protocol = ? AND first_port = ? AND host = ? AND network = ? AND container = ?
    AND ifname = ? AND plugin = ?`,
  release: "DELETE FROM port WHERE network = ? AND container = ? AND ifname = ? AND plugin = ?",
  claim: `REPLACE INTO port (protocol, first_port, last_port, host, network, container, ifname, plugin, created_ms,
    netns_path, netns_device, netns_inode, netns_cookie, boot_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
};

/** All addresses of the host, of both families. */
const everywhere = "*";

/** Consecutive ports on a host address. */
interface Span {
  readonly protocol: Protocol;
  readonly host: string;
  readonly first: number;
  last: number;
}

/**
 * Replaces the owner's ports by those of `mappings` that lead to `addresses`, its container's. Another attachment of the
 * same container may have the same port: the kernel's elements decide which of them gets it. Throws Fault (code 11) that
 * names another holder.
 */
export function claimPorts(
  database: Database,
  owner: PortOwner,
  mappings: readonly PortMapping[],
  addresses: readonly LeasedAddress[],
): void {
  const { network, container, ifname } = owner.attachment;
  releasePorts(database, owner.attachment, owner.plugin);
  const spans = spansOf(mappings, addresses);
  for (const protocol of new Set(spans.map((span) => span.protocol))) {
    const own = spans.filter((span) => span.protocol === protocol);
    const last = own.reduce((most, span) => Math.max(most, span.last), 0);
    const rows = database
      .query<PortRow, [string, number, number, string]>(sql.others)
      .all(protocol, last, own[0]!.first, container);
    for (const row of rows) requireFree(database, own, row, owner);
  }
  const by = [network, container, ifname, owner.plugin, Date.now()] as const;
  const numbers = [owner.netnsDevice, owner.netnsInode, owner.netnsCookie].map(String);
  const where = [owner.netnsPath, ...numbers, owner.bootId] as const;
  const claim = database.query(sql.claim);
  for (const { protocol, first, last, host } of spans) claim.run(protocol, first, last, host, ...by, ...where);
}

/** In order of their first ports; spans of one address do not overlap. */
function spansOf(mappings: readonly PortMapping[], addresses: readonly LeasedAddress[]): Span[] {
  const all = mappings.flatMap((mapping): Span[] => {
    const host = hostOf(mapping, addresses);
    const { protocol, hostPort: first } = mapping;
    return host === undefined ? [] : [{ protocol, host, first, last: lastPort(mapping) }];
  });
  all.sort((a, b) => a.first - b.first);
  const latest = new Map<string, Span>();
  return all.filter((span) => {
    const before = latest.get(`${span.protocol} ${span.host}`);
    if (before === undefined || span.first > before.last + 1) {
      latest.set(`${span.protocol} ${span.host}`, span);
      return true;
    }
    before.last = Math.max(before.last, span.last);
    return false;
  });
}

/** Deletes a conflicting row if its attachment is gone, else throws Fault. */
function requireFree(database: Database, spans: readonly Span[], row: PortRow, owner: PortOwner): void {
  const clash = spans.find(
    ({ first, last, host }) => first <= row.last_port && row.first_port <= last && overlaps(row.host, host),
  );
  if (clash === undefined) return;
  if (!isGone(row, owner)) throw taken(clash, row);
  const { first_port, host, network, container, ifname, plugin } = row;
  database.query(sql.drop).run(clash.protocol, first_port, host, network, container, ifname, plugin);
}

/** The host address of the claim; undefined if the container has no address of the mapping's family. */
function hostOf({ hostIp }: PortMapping, addresses: readonly LeasedAddress[]): string | undefined {
  if (addresses.length === 0) return hostIp ?? everywhere; // a delegate has not answered yet
  const has = (family: Family) => addresses.some(({ address }) => familyOf(address) === family);
  if (hostIp !== undefined) return has(familyOf(hostIp)) ? hostIp : undefined;
  if (!has(6)) return "0.0.0.0";
  return has(4) ? everywhere : "::";
}

export function releasePorts(database: Database, { network, container, ifname }: Attachment, plugin: string): void {
  database.query(sql.release).run(network, container, ifname, plugin);
}

function overlaps(a: string, b: string): boolean {
  if (a === everywhere || b === everywhere || a === b) return true;
  const isAny = (host: string) => host === "0.0.0.0" || host === "::";
  return familyOf(a) === familyOf(b) && (isAny(a) || isAny(b));
}

/** True if the row is of an earlier boot, or if its path leads to another namespace now, or to none. */
function isGone(row: PortRow, { bootId }: PortOwner): boolean {
  if (row.boot_id !== bootId) return true;
  const [device, inode, cookie] = [row.netns_device, row.netns_inode, row.netns_cookie].map(BigInt);
  return !isAt(row.netns_path, { device: device!, inode: inode!, cookie: cookie! });
}

function taken({ protocol, first, host }: Span, holder: PortRow): Fault {
  const port = Math.max(first, holder.first_port);
  const asked = host === everywhere || host === "0.0.0.0" || host === "::" ? "" : ` on ${host}`;
  const where = holder.host === everywhere ? "" : ` on ${holder.host}`;
  return new Fault(
    code.tryAgain,
    `Cannot publish port ${port}/${protocol}${asked}: ${attachmentText(holder)} has it${where} ` +
      `since ${new Date(holder.created_ms).toISOString()}`,
    "Delete that attachment, or publish another port",
  );
}
