/**
 * Lists everything that an attachment has, in the order in which it is removed. The only such list: DEL, GC, the reclaim
 * of a full pool, an interrupted ADD and an ADD that comes again use it.
 *
 *   1. The work of chained plugins, the last one first, from their records in the store.
 *   2. An interface that exists only in the container: macvlan and its like, a tap, a lent device; and the container's
 *      end of a veth whose other end a person moved away from this host.
 *   3. Rules, and links of the host, that outlive the interface: by the steps of the entry, or by the attachment's mark.
 *   4. The host's end of the veth, and the container's end with it. It comes last: the kernel waits 20 ms for the
 *      readers of a link that is deleted, and frees the rules meanwhile. A process that serves several calls deletes these
 *      links first, those of several attachments by one request (`Leaving.deletedLinks`).
 *   5. All that the reference's plugins created, if the attachment is one of theirs.
 *
 * The caller releases the lease afterwards, and only if all of this succeeded: no address is given out while a link may
 * have it. Objects that attachments share (plugin/shared/) come after the lease, because entries say who still needs them.
 */

import { isContainerLink, ownType } from "../../conf/pluginType.ts";
import { withoutPrefix } from "../../ip/address.ts";
import { adoptedStep, isLeaseOnly } from "../../ipam/hostLocal/adopted.ts";
import defer * as deleteLinks from "../../kernel/deleteLinks.ts";
import { createdName, deleteHostLink } from "../../kernel/hostLink.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { identityIn } from "../../kernel/namespace.ts";
import type { Link } from "../../netlink/route/link.ts";
import { isAt } from "../../netlink/sameNetns.ts";
import { roleOf } from "../../plan/types.ts";
import { undoAll } from "../../step/commit.ts";
import { leftoversOf, linkDeletedBy, outlivesLink, type Removal, stepsOf } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import { Attempts } from "../attempts.ts";
import defer * as undo from "../chain/undo.ts";
import defer * as containerLink from "./containerLink.ts";
import { hasVeth } from "./entrySteps.ts";
import defer * as innerEnd from "./innerEnd.ts";
import type { Leaving } from "./leaving.ts";

/** Removes all that the attachment has in the kernel, and the records of chained plugins. Absent is success. Tries every part, and answers the errors. */
export function removeAttachment(leaving: Leaving, store: Store | undefined, kernel: Kernel): Error[] {
  const { attachment, entry, netns, reference } = leaving;
  const attempts = new Attempts();
  if (entry?.hasChained && store) attempts.all(() => undo.undoChained(attachment, netns, store, kernel));
  if (mayHaveContainerLink(leaving)) attempts.all(() => containerLink.undoContainerLink(leaving, kernel));
  if (leaving.hostLink === "absent") attempts.try(undefined, () => removeInnerEnd(leaving, kernel));
  const { rules, links } = outliving(leaving);
  attempts.all(() => undoAll(rules, kernel));
  if (leaving.hostLink === "delete") attempts.try(undefined, () => removeVeth(leaving, links, kernel));
  if (reference) attempts.all(() => undoAll([reference], kernel));
  return attempts.errors;
}

/**
 * Removes many attachments of a network. `links` are all host ends that are to go, also those without an entry. They go
 * first, in one request: one by one, the kernel would wait 20 ms for each. Answers the errors.
 */
export function removeAttachments(
  network: string,
  entries: readonly Entry[],
  links: readonly Link[],
  store: Store | undefined,
  kernel: Kernel,
): Error[] {
  const attempts = new Attempts();
  const found = new Set(links.map(createdName));
  attempts.try(undefined, () => deleteLinks.deleteLinks(network, [...links, ...besideLinks(entries, kernel)], kernel));
  for (const entry of entries) {
    const hostLink = found.has(entry.hostLink) ? "deleted" : "absent";
    attempts.all(() => removeAttachment(leavingOf(entry, hostLink), store, kernel));
  }
  return attempts.errors;
}

/** For a caller that knows the entry alone. `netns`: path of a namespace that the container may be in. */
export function leavingOf(entry: Entry, hostLink: Leaving["hostLink"], netns = ""): Leaving {
  return { attachment: entry.attachment, entry, netns, hostLink, reference: adoptedIn(entry) };
}

/**
 * Rules and links that outlive the interface: the steps of the entry, and by their marks where the entry may not have
 * all. Asks the kernel nothing if a complete entry has none. `links` are deleted in one request with the veth.
 */
function outliving({ attachment, entry, hostLink }: Leaving): { readonly rules: Removal[]; readonly links: string[] } {
  const found = remembered(entry);
  if (entry?.steps === undefined || !isComplete(entry))
    found.push(...leftoversOf("host", { kind: "attachment", name: attachment }));
  const rules: Removal[] = [];
  const links: string[] = [];
  for (const one of found) {
    const link = hostLink === "delete" ? linkDeletedBy(one) : undefined;
    if (link === undefined) rules.push(one);
    else links.push(link);
  }
  return { rules, links };
}

function remembered(entry: Entry | undefined): Removal[] {
  const found: Removal[] = [];
  for (const step of stepsOf(entry)) if (outlivesLink(step)) found.push(step);
  return found;
}

/** False for an interrupted ADD, and for an entry rebuilt from the kernel (its IPAM is unknown): there may be more than its steps. */
function isComplete({ state, ipamType }: Entry): boolean {
  return state === "attached" && ipamType !== "";
}

/** Links of the host that the attachments have beside their veths. */
function besideLinks(entries: readonly Entry[], kernel: Kernel): Link[] {
  const names = entries.flatMap(remembered).flatMap((one) => linkDeletedBy(one) ?? []);
  return names.flatMap((name) => {
    const link = kernel.link("host", name);
    kernel.forget("host", name);
    return link ?? [];
  });
}

/** `absent` without an entry: DEL has looked into the container, too. */
function mayHaveContainerLink({ type = ownType, entry, hostLink }: Leaving): boolean {
  return entry ? isContainerLink(type) || entry.bridge === "" : hostLink !== "absent" && isContainerLink(type);
}

/** `beside`: names of links that are deleted in the same request. */
function removeVeth(leaving: Leaving, beside: readonly string[], kernel: Kernel): void {
  const { network } = leaving.attachment;
  const host = hostLinkName(leaving.attachment);
  const isFound = leaving.deletedLinks
    ? leaving.deletedLinks.has(host)
    : beside.length === 0
      ? deleteHostLink(host, kernel)
      : deleteLinks.deleteNamedLinks(network, [host, ...beside], kernel).has(host);
  if (!isFound) removeInnerEnd(leaving, kernel);
}

/** The names of the host's links that go with an attachment, whether or not they exist: the end of its veth, and those beside it. */
export function hostLinksOf(leaving: Leaving): readonly string[] {
  return [hostLinkName(leaving.attachment), ...outliving(leaving).links];
}

/** The host has no end of the veth; the container's may live on with the address. */
function removeInnerEnd(leaving: Leaving, kernel: Kernel): void {
  if (mayHaveVeth(leaving)) innerEnd.removeInnerEnd(leaving, kernel);
}

function mayHaveVeth({ type = ownType, entry }: Leaving): boolean {
  if (entry && isComplete(entry)) return hasVeth(entry);
  return entry?.bridge !== "" && roleOf(type) === "interface" && !isContainerLink(type);
}

/**
 * The removal of what the reference's plugins created, if the entry is of one of their attachments, or of one whose addresses
 * alone are ours: their rules would lead to the next container with the address.
 */
function adoptedIn(entry: Entry): Removal | undefined {
  if (isLeaseOnly(entry)) {
    const addresses = entry.addresses.map(({ address }) => withoutPrefix(address));
    return { kind: "adopted", attachment: entry.attachment, addresses, files: [] };
  }
  const step = adoptedStep(entry);
  if (step === undefined) return undefined;
  return isAt(entry.netnsPath, identityIn(entry)) ? { ...step, netns: entry.netnsPath } : step;
}
