/**
 * Leases of attachments that provably are no more, freed without anybody having asked: container runtimes forget to DEL
 * (a crash, a reboot, a time-out), and most of them never call GC. What proves it:
 *
 *   - the entry is of an earlier boot: with it went every namespace and link;
 *   - the call that made it died half-way, so nobody was told that it succeeded;
 *   - its link is gone and its namespace is not at its path; and where it has no veth, whose ends go together, neither
 *     is the namespace seen with a process in it, nor its addresses anywhere. Seen twice, a while apart, because a
 *     runtime may be between two things it does.
 *
 * A lease that was asked for without a namespace (CNI_NETNS=/dev/null) proves none of this, but the second.
 */

import { readFileSync } from "node:fs";
import { ipamKeepsLeases } from "../../ipam/index.ts";
import { PoolFull } from "../../ipam/poolFull.ts";
import { addressesElsewhere } from "../../kernel/addresses.ts";
import { createdName } from "../../kernel/hostLink.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { identityIn } from "../../kernel/namespace.ts";
import { forEachNamespace } from "../../kernel/namespaces.ts";
import { type Link, listLinks } from "../../netlink/route/link.ts";
import { withCookie } from "../../netlink/sameNetns.ts";
import type { Entry } from "../../store/entry.ts";
import { bootId, InProgress, isInProgress, isInterrupted } from "../../store/index.ts";
import { isWithoutNamespace } from "../../store/namespace.ts";
import type { Store } from "../../store/store.ts";
import { waitWhileInProgress } from "../../store/wait.ts";
import { isSameNetns, type NetnsIdentity } from "../../sys/netns.ts";
import { throwTogether } from "../faults.ts";
import { removeAttachments } from "../removal/attachment.ts";
import { hasVeth, isThere } from "../removal/entrySteps.ts";
import defer * as standing from "../takeover/standing.ts";

export interface Place {
  readonly network: string;
  readonly store: Store;
  readonly kernel: Kernel;
}

/** Between the two looks at a namespace that is gone. */
const secondLookMs = 1000;

/** After a refusal: another process is waited for, and in a full pool dead leases are freed; then `work` is tried again. */
export async function retried<T>(error: unknown, place: Place, work: () => T | Promise<T>): Promise<T> {
  if (error instanceof InProgress) return waitWhileInProgress(work);
  if (!(error instanceof PoolFull)) throw error;
  let found = reclaim(place);
  if (found.freed === 0 && found.markGone > 0) {
    await new Promise((resolve) => setTimeout(resolve, secondLookMs));
    found = reclaim(place);
  }
  if (found.freed === 0) throw error;
  return work();
}

/** Frees what is dead, and notes what looks so for the first time. */
export function reclaim({ network, store, kernel }: Place): { readonly freed: number; readonly markGone: number } {
  // Links before entries: a link is made after its entry, so none that is seen lacks one because it is new.
  const links = new Map(listLinks(kernel.route("host")).map((link) => [createdName(link), link]));
  const judged = judge(store.entries(network), links, kernel);
  const dead = judged.dead.filter((entry) => store.claim(entry));
  const left = dead.flatMap(({ hostLink }) => links.get(hostLink) ?? []);
  throwTogether(removeAttachments(network, dead, left, store, kernel));
  for (const { attachment } of dead) store.remove(attachment);
  for (const { attachment } of judged.revived) store.markGone(attachment, undefined);
  for (const { attachment } of judged.markGone) store.markGone(attachment, uptimeMs());
  return { freed: dead.length, markGone: judged.markGone.length };
}

interface Judged {
  readonly dead: readonly Entry[];
  readonly markGone: readonly Entry[];
  readonly revived: readonly Entry[];
}

/** Which entries are dead for certain, which look so for the first time, and which looked so and live. Changes nothing. */
export function judge(entries: readonly Entry[], links: ReadonlyMap<string, Link>, kernel: Kernel): Judged {
  const dead: Entry[] = [];
  const markGone: Entry[] = [];
  const revived: Entry[] = [];
  const boot = bootId();
  // An attachment that another plugin made has no link of our name; its addresses tell.
  const isAdoptedStanding = standing.isAdoptedPresent(kernel);
  const isSeen = seenAnywhere(kernel);
  for (const entry of entries) {
    if (isInProgress(entry) || !ipamKeepsLeases(entry.ipamType)) continue;
    if (isWithoutNamespace(entry)) {
      if (isInterrupted(entry)) dead.push(entry);
      continue;
    }
    const isGone =
      !links.has(entry.hostLink) &&
      !isThere(entry) &&
      (hasVeth(entry) || (!isAdoptedStanding(entry) && !isSeen(entry)));
    if (entry.bootId !== boot ? !links.has(entry.hostLink) : isInterrupted(entry)) dead.push(entry);
    else if (!isGone) {
      if (entry.goneMs !== undefined) revived.push(entry);
    } else if (entry.goneMs === undefined) markGone.push(entry);
    else if (uptimeMs() - entry.goneMs >= secondLookMs) dead.push(entry);
  }
  return { dead, markGone, revived };
}

/** For what has no link on the host: a path may go while its namespace lives, with a process in it. Looked for once. */
function seenAnywhere(kernel: Kernel): (entry: Entry) => boolean {
  let found: { namespaces: readonly NetnsIdentity[]; addresses: ReturnType<typeof addressesElsewhere> } | undefined;
  return (entry) => {
    found ??= { namespaces: seenNamespaces(), addresses: addressesElsewhere(kernel) };
    const { namespaces, addresses: elsewhere } = found;
    const own = identityIn(entry);
    return (
      namespaces.some((one) => isSameNetns(one, own)) ||
      entry.addresses.some(({ address }) => elsewhere.has(address.replace(/\/.*/, "")))
    );
  };
}

function seenNamespaces(): readonly NetnsIdentity[] {
  const all: NetnsIdentity[] = [];
  forEachNamespace((netns) => all.push(withCookie(netns)));
  return all;
}

/** A clock that nobody sets back. */
function uptimeMs(): number {
  return Math.round(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000);
}
