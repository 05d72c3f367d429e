/**
 * Remembers beside the store what `uninstall` leaves to the reference's plugins for containers of ns-net. The next
 * `install` takes it back: nothing else would remove it, and host-local would not give these addresses again.
 */
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Attachment } from "../../conf/attachment.ts";
import { ownType } from "../../conf/pluginType.ts";
import { type Family, formatAddress } from "../../ip/address.ts";
import { adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import { reservationsIn } from "../../ipam/hostLocal/reservations.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { isReplaced } from "../../plugin/takeover/replaced.ts";
import { removeEmptyMasqueradeChain } from "../../reference/iptables.ts";
import type { Store } from "../../store/store.ts";
import { openedStore } from "../attachments.ts";
import { putText, touching } from "./files.ts";

export interface LeftLease {
  readonly attachment: Attachment;
  /** host-local's reservation. */
  readonly path: string;
  /** When the file was written: for a later container of the same name host-local writes another one. */
  readonly modifiedMs: number;
}

export interface LeftChain {
  readonly attachment: Attachment;
  readonly family: Family;
}

interface Left {
  /** The version of this record. */
  readonly version: 1;
  readonly leases: readonly LeftLease[];
  readonly chains: readonly LeftChain[];
}

const nothing: Left = { version: 1, leases: [], chains: [] };

/** The content of a reservation, with the line end that host-local writes. */
export const reservationText = ({ container, ifname }: Attachment) => `${container}\r\n${ifname}`;

/** Adds to what an earlier `uninstall` left. */
export function rememberLeft(dataDir: string, leases: readonly LeftLease[], chains: readonly LeftChain[]): void {
  if (leases.length + chains.length === 0) return;
  const before = readLeft(dataDir);
  const paths = new Set(leases.map(({ path }) => path));
  const left: Left = {
    version: 1,
    leases: [...before.leases.filter(({ path }) => !paths.has(path)), ...leases],
    chains: [...before.chains, ...chains],
  };
  putText(leftPath(dataDir), `${JSON.stringify(left, null, 2)}\n`);
}

/**
 * Removes what is still as `uninstall` left it. `isServed`: ns-net has the names of the reference's plugins again;
 * otherwise those serve their networks, and only networks of type ns-net are taken back. Answers what it did.
 */
export function takeBack(dataDir: string, isServed: boolean): string[] {
  const left = readLeft(dataDir);
  if (left === nothing) return [];
  using store = openedStore(dataDir);
  if (store === undefined) return [];
  using kernel = openKernel();
  const isOurs = ({ attachment }: LeftLease | LeftChain) => {
    const entry = store.find(attachment);
    return adoptedStep(entry) === undefined && (isServed || entry?.ipamType === ownType);
  };
  const leases = left.leases.filter(isOurs);
  const unchanged = leases.filter(isAsLeft);
  for (const { path } of unchanged) touching(`remove ${path}`, "Run it as root", () => rmSync(path, { force: true }));
  forgetReplaced(leases, store, kernel);
  const chains = left.chains.filter(isOurs);
  const removed = chains.filter(({ attachment, family }) => removeEmptyMasqueradeChain(attachment, family, kernel));
  const rest = {
    leases: left.leases.filter((one) => !leases.includes(one)),
    chains: left.chains.filter((one) => !chains.includes(one)),
  };
  touching(`remove ${leftPath(dataDir)}`, "Run it as root", () => rmSync(leftPath(dataDir), { force: true }));
  rememberLeft(dataDir, rest.leases, rest.chains);
  return [
    ...(unchanged.length > 0 ? [`took back ${counted(unchanged.length, "lease")} from host-local`] : []),
    ...(removed.length > 0 ? [`removed ${counted(removed.length, "chain")} of iptables that uninstall made`] : []),
  ];
}

const counted = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;

const leftPath = (dataDir: string) => join(dataDir, "left.json");

/** Nothing also if it cannot be read: then leases stay, which is the safe side. */
function readLeft(dataDir: string): Left {
  if (!existsSync(leftPath(dataDir))) return nothing;
  try {
    return JSON.parse(readFileSync(leftPath(dataDir), "utf8")) as Left;
  } catch {
    return nothing;
  }
}

function isAsLeft({ attachment, path, modifiedMs }: LeftLease): boolean {
  try {
    return statSync(path).mtimeMs === modifiedMs && readFileSync(path, "utf8") === reservationText(attachment);
  } catch {
    return false;
  }
}

/**
 * The reference has deleted such a container, and attached one of the same name: the entry describes the former, and the
 * reservation is of the latter.
 */
function forgetReplaced(leases: readonly LeftLease[], store: Store, kernel: Kernel): void {
  for (const { attachment, path } of leases) {
    const entry = store.find(attachment);
    if (entry === undefined) continue;
    const reserved = reservationsIn(dirname(path)).filter(
      ({ container, ifname }) => container === attachment.container && ifname === attachment.ifname,
    );
    const addresses = reserved.map(({ address }) => formatAddress(address));
    if (reserved.length > 0 && isReplaced(entry, addresses, kernel)) store.remove(attachment);
  }
}
