/**
 * The lease files of the reference's host-local (plugins/ipam/host-local/backend/disk): in `<dataDir>/<network>/` one
 * file an address, named after it, with the container and the interface; beside them `last_reserved_ip.N`, the address
 * that range set N gave last, and `lock`.
 */
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { containerId, interfaceName } from "../../conf/nameRules.ts";
import { type Address, formatAddress, parseAddress } from "../../ip/address.ts";

export const lockFile = "lock";
const cursorPrefix = "last_reserved_ip.";

export interface Reservation {
  readonly address: Address;
  readonly file: string;
  readonly container: string;
  /** "" in files of host-local before version 0.7, which have only the container. */
  readonly ifname: string;
  readonly reservedMs: number;
}

/** Every reservation of a network in order, IPv4 first; none if the folder does not exist. */
export function reservationsIn(folder: string): Reservation[] {
  const found: Reservation[] = [];
  for (const name of listed(folder)) {
    const address = parseAddress(name);
    const reservation = address && readReservation(join(folder, name), address);
    if (reservation !== undefined) found.push(reservation);
  }
  return found.sort(({ address: a }, { address: b }) => a.family - b.family || Number(a.value - b.value));
}

/** The holder of an address; undefined if there is none, or if no runtime can have written the file. */
export function reservationOf(folder: string, address: Address): Reservation | undefined {
  return readReservation(join(folder, formatAddress(address)), address);
}

/**
 * Ignores folders and devices of that name, and empty files: a lost power supply leaves those, and the container is
 * gone, too.
 */
function readReservation(file: string, address: Address): Reservation | undefined {
  try {
    const { mtimeMs, size } = statSync(file);
    if (size === 0 || size > reservationBytesMax) return undefined;
    const [container = "", ifname = ""] = readFileSync(file, "utf8").trim().split(/\r?\n/);
    if (!containerId.allows(container.trim())) return undefined;
    const isName = interfaceName.allows(ifname.trim());
    return {
      address,
      file,
      container: container.trim(),
      ifname: isName ? ifname.trim() : "",
      reservedMs: Math.round(mtimeMs),
    };
  } catch (error) {
    if (absent.includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

/** Two names of the greatest length, and white space. */
const reservationBytesMax = 1024;
const absent = ["ENOENT", "ENOTDIR", "EISDIR", "ENAMETOOLONG", "ELOOP"];

/** The address given last by each range set, by its index. */
export function lastReserved(folder: string): Record<string, string> {
  const cursors: Record<string, string> = {};
  for (const name of listed(folder)) {
    if (!name.startsWith(cursorPrefix)) continue;
    const address = parseAddress(readFileSync(join(folder, name), "utf8").trim());
    if (address !== undefined) cursors[name.slice(cursorPrefix.length)] = formatAddress(address);
  }
  return cursors;
}

export function lastReservedFile(folder: string, set: number | string): string {
  return join(folder, `${cursorPrefix}${set}`);
}

/** Removes a container's reservations. A reservation that another container has by now stays. */
export function release(container: string, files: readonly string[]): void {
  for (const file of files) {
    const address = parseAddress(basename(file));
    if (address && readReservation(file, address)?.container === container) rmSync(file, { force: true });
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (absent.includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
