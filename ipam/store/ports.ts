/** Which attachment has which port of the host. Runs inside a transaction of the store; loaded when ports are asked for. */

import type { Database } from "bun:sqlite";
import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import { code, Fault } from "../../conf/fault.ts";
import type { PortMapping } from "../../conf/network.ts";
import { fileStatus } from "../../netlink/files.ts";
import type { LeasedAddress } from "../ipam.ts";

/** Who asks: an attachment, on behalf of the plugin of that type, in that namespace. */
export interface PortOwner {
  readonly attachment: Attachment;
  readonly plugin: string;
  readonly netnsPath: string;
  readonly netnsDevice: bigint;
  readonly netnsInode: bigint;
  readonly bootId: string;
}

interface PortRow {
  readonly protocol: string;
  readonly host_port: number;
  readonly host: string;
  readonly network: string;
  readonly container: string;
  readonly ifname: string;
  readonly plugin: string;
  readonly created_ms: number;
  readonly netns_path: string;
  readonly netns_device: string;
  readonly netns_inode: string;
  readonly boot_id: string;
}

const sql = {
  of: "SELECT * FROM port WHERE protocol = ? AND host_port = ?",
  drop: "DELETE FROM port WHERE protocol = ? AND host_port = ? AND host = ?",
  release: "DELETE FROM port WHERE network = ? AND container = ? AND ifname = ? AND plugin = ?",
  claim: `REPLACE INTO port (protocol, host_port, host, container_port, network, container, ifname, plugin, created_ms,
    netns_path, netns_device, netns_inode, boot_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
};

/** Every address of the host, of both families. */
const everywhere = "*";

/**
 * These ports and no others belong to the owner from now on, so far as they lead to `addresses`, its container's. Throws
 * Fault (code 11) naming who has one of them.
 */
export function claimPorts(
  database: Database,
  owner: PortOwner,
  mappings: readonly PortMapping[],
  addresses: readonly LeasedAddress[],
): void {
  const { network, container, ifname } = owner.attachment;
  const by = [network, container, ifname, owner.plugin] as const;
  releasePorts(database, owner.attachment, owner.plugin);
  for (const mapping of mappings) {
    const { protocol, hostPort, containerPort } = mapping;
    const hostIp = hostOf(mapping, addresses);
    if (hostIp === undefined) continue;
    const rows = database.query<PortRow, [string, number]>(sql.of).all(protocol, hostPort);
    // Of one request, an address of the host and all of them is no conflict: the address comes first.
    const others = rows.filter((row) => !isOf(row, owner) && overlaps(row.host, hostIp));
    for (const row of others) {
      if (!isGone(row, owner)) throw taken(mapping, row);
      database.query(sql.drop).run(protocol, hostPort, row.host);
    }
    const where = [owner.netnsPath, owner.netnsDevice.toString(), owner.netnsInode.toString(), owner.bootId] as const;
    database.query(sql.claim).run(protocol, hostPort, hostIp, containerPort, ...by, Date.now(), ...where);
  }
}

/** A port leads to addresses of its own family alone; undefined where there is none. */
function hostOf({ hostIp }: PortMapping, addresses: readonly LeasedAddress[]): string | undefined {
  if (addresses.length === 0) return hostIp ?? everywhere; // a delegate has yet to answer
  const has = (isIpv6: boolean) => addresses.some(({ address }) => address.includes(":") === isIpv6);
  if (hostIp !== undefined) return has(hostIp.includes(":")) ? hostIp : undefined;
  if (!has(true)) return "0.0.0.0";
  return has(false) ? everywhere : "::";
}

export function releasePorts(database: Database, { network, container, ifname }: Attachment, plugin: string): void {
  database.query(sql.release).run(network, container, ifname, plugin);
}

function isOf(row: PortRow, { attachment: { network, container, ifname }, plugin }: PortOwner): boolean {
  return row.network === network && row.container === container && row.ifname === ifname && row.plugin === plugin;
}

function overlaps(a: string, b: string): boolean {
  if (a === everywhere || b === everywhere || a === b) return true;
  const isAny = (host: string) => host === "0.0.0.0" || host === "::";
  return a.includes(":") === b.includes(":") && (isAny(a) || isAny(b));
}

/** An earlier boot, or at its path there is another namespace by now, or none. */
function isGone(row: PortRow, { bootId }: PortOwner): boolean {
  if (row.boot_id !== bootId) return true;
  try {
    const { device, inode } = fileStatus(row.netns_path);
    return device.toString() !== row.netns_device || inode.toString() !== row.netns_inode;
  } catch {
    return true;
  }
}

function taken({ protocol, hostPort, hostIp }: PortMapping, holder: PortRow): Fault {
  const where = holder.host === everywhere ? "" : ` on ${holder.host}`;
  return new Fault(
    code.tryAgain,
    `Cannot publish port ${hostPort}/${protocol}${hostIp ? ` on ${hostIp}` : ""}: ${attachmentText(holder)} has it${where} ` +
      `since ${new Date(holder.created_ms).toISOString()}`,
    "Delete that attachment, or publish another port",
  );
}
