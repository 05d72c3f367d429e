/**
 * Frees leases in a full pool: of attachments that are dead (liveness.ts), or were gone at two looks, a while apart.
 * Container runtimes forget to DEL (a crash, a reboot, a time-out), and most of them never call GC.
 */

import { readFileSync } from "node:fs";
import { ipamKeepsLeases } from "../../ipam/index.ts";
import { PoolFull } from "../../ipam/poolFull.ts";
import { createdName } from "../../kernel/hostLink.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { listLinks } from "../../netlink/route/link.ts";
import type { Entry } from "../../store/entry.ts";
import { InProgress } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { waitWhileInProgress } from "../../store/wait.ts";
import { mayBlock } from "../../sys/sharedProcess.ts";
import { throwTogether } from "../faults.ts";
import { removeAttachments } from "../removal/attachment.ts";
import { type Evidence, evidence } from "./evidence.ts";
import { livenessOf } from "./liveness.ts";

/** The network whose pool is full, and what is needed to look for its dead. */
export interface Place {
  readonly network: string;
  readonly store: Store;
  readonly kernel: Kernel;
}

/** Between the two looks at an attachment that is gone. */
const secondLookMs = 1000;

/**
 * Repeats `work` after it was refused with `error`: waits for the other process, or frees dead leases of a full pool.
 * Throws `error` again if that does not help.
 */
export async function retried<T>(error: unknown, place: Place, work: () => T | Promise<T>): Promise<T> {
  if (error instanceof InProgress) return waitWhileInProgress(work);
  if (!(error instanceof PoolFull)) throw error;
  let found = reclaim(place);
  if (found.freed === 0 && found.firstGone > 0) {
    await new Promise((resolve) => setTimeout(resolve, secondLookMs));
    found = reclaim(place);
  }
  if (found.freed === 0) throw error;
  return work();
}

/** Frees the leases of the dead, and notes which attachments are gone for the first time. */
export function reclaim({ network, store, kernel }: Place): { readonly freed: number; readonly firstGone: number } {
  // Links before entries: ADD creates the link after the entry, so each link that is listed has its entry by then.
  const links = new Map(listLinks(kernel.route("host")).map((link) => [createdName(link), link]));
  const look = evidence(kernel, ({ hostLink }) => links.has(hostLink));
  const { dead, firstGone, revived } = judge(store.entries(network), look);
  if (dead.length > 0) mayBlock("reclaim leases"); // before they are claimed
  const claimed = dead.filter((entry) => store.claim(entry));
  const left = claimed.flatMap(({ hostLink }) => links.get(hostLink) ?? []);
  throwTogether(removeAttachments(network, claimed, left, store, kernel));
  for (const { attachment } of claimed) store.remove(attachment);
  for (const { attachment } of revived) store.markGone(attachment, undefined);
  for (const { attachment } of firstGone) store.markGone(attachment, uptimeMs());
  return { freed: claimed.length, firstGone: firstGone.length };
}

interface Judged {
  readonly dead: readonly Entry[];
  /** Gone at the first look. */
  readonly firstGone: readonly Entry[];
  /** Gone at an earlier look, and here again. */
  readonly revived: readonly Entry[];
}

function judge(entries: readonly Entry[], look: Evidence): Judged {
  const dead: Entry[] = [];
  const firstGone: Entry[] = [];
  const revived: Entry[] = [];
  for (const entry of entries) {
    if (!ipamKeepsLeases(entry.ipamType)) continue;
    const { is } = livenessOf(entry, look);
    const { goneMs } = entry;
    if (is === "dead" || (is === "gone" && goneMs !== undefined && uptimeMs() - goneMs >= secondLookMs))
      dead.push(entry);
    else if (is === "gone" && goneMs === undefined) firstGone.push(entry);
    else if (is !== "gone" && goneMs !== undefined) revived.push(entry);
  }
  return { dead, firstGone, revived };
}

/** Milliseconds since boot, which no change of the clock sets back. */
function uptimeMs(): number {
  return Math.round(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000);
}
