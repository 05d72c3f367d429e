/**
 * What an attachment has beside its link: rules that name it. The entry says what there is; where it is silent (a lost
 * store, an ADD that died half-way) it is looked for by the mark that each rule carries.
 */

import type { Attachment } from "../../conf/attachment.ts";
import { adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { identityIn } from "../../kernel/namespace.ts";
import { isAt } from "../../netlink/sameNetns.ts";
import { undoAll } from "../../step/commit.ts";
import { leftoversOf, outlivesLink, type Removal, type Step } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import defer * as undo from "../chain/undo.ts";
import defer * as inside from "./containerLink.ts";
import { hasVeth } from "./entrySteps.ts";
import defer * as innerEnd from "./innerEnd.ts";

/** What DEL removes beside the link. Nothing, without a question to the kernel, for an attachment known to have none. */
export function traces(attachment: Attachment, entry: Entry | undefined): Removal[] {
  const found: Removal[] = [];
  for (const step of (entry?.steps ?? []) as readonly Step[]) if (outlivesLink(step)) found.push(step);
  if (!isWhole(entry)) found.push(...leftoversOf("host", { kind: "attachment", name: attachment }));
  return found;
}

/** What another plugin made of the attachment of an entry, before ns-net came in its place. */
export function adoptedIn(entry: Entry): Removal[] {
  const step = adoptedStep(entry);
  return step ? [isThere(entry) ? { ...step, netns: entry.netnsPath } : step] : [];
}

/** False for one of an ADD that died half-way, and one that was made anew from the kernel, which tells no IPAM. */
function isWhole(entry: Entry | undefined): boolean {
  return entry?.steps !== undefined && entry.state === "attached" && entry.ipamType !== "";
}

/** True when the namespace that an entry speaks of is at its path. */
export function isThere(entry: Entry): boolean {
  return isAt(entry.netnsPath, identityIn(entry));
}

/** What plugins after it in the chain did, and remember. `netns` is where a caller says the container's is; may be empty. */
export function removeChained({ attachment, hasChained }: Entry, netns: string, store: Store): Error[] {
  if (!hasChained) return [];
  return undo.undoChained(attachment, netns, store);
}

/** The container's end, where the host end has left this host. */
function undoInnerEnd(entry: Entry): Error[] {
  try {
    innerEnd.removeInnerEnd({ ...entry, netns: "" }, entry);
    return [];
  } catch (error) {
    return [error as Error];
  }
}

/** Undoes what the entries' attachments have beside their links. */
export function removeLeftovers(entries: readonly Entry[], store: Store | undefined, kernel: Kernel): Error[] {
  return entries.flatMap((entry) => [
    ...(store ? removeChained(entry, "", store) : []),
    ...undoAll([...adoptedIn(entry), ...traces(entry.attachment, entry)], kernel),
    ...(hasVeth(entry) && isThere(entry) ? undoInnerEnd(entry) : []),
    ...(entry.bridge === "" ? inside.undoContainerLink({ attachment: entry.attachment, netns: "" }, entry) : []),
  ]);
}
