/**
 * What an attachment has beside its link: rules that name it. The entry says what there is; where it is silent (a lost
 * store, an ADD that died half-way) it is looked for by the mark that each rule carries.
 */

import type { Attachment } from "../../conf/attachment.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { identityIn } from "../../kernel/namespace.ts";
import { shapingLinkName } from "../../kernel/ownership.ts";
import { isAt } from "../../netlink/sameNetns.ts";
import { undoAll } from "../../step/commit.ts";
import type { Removal, Step } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import defer * as undo from "../chain/undo.ts";
import defer * as inside from "./containerLink.ts";
import { hasVeth } from "./entrySteps.ts";
import defer * as innerEnd from "./innerEnd.ts";

/** Kinds of step that do not die with the link. */
const lasting: readonly Step["kind"][] = [
  "ports",
  "portCondition",
  "masqueradeAll",
  "shaping",
  "spoofCheck",
  "zone",
  "adopted",
];

/** What DEL removes beside the link. Nothing, without a question to the kernel, for an attachment known to have none. */
export function traces(attachment: Attachment, entry: Entry | undefined): Removal[] {
  const found: Removal[] = [];
  for (const step of (entry?.steps ?? []) as readonly Step[])
    if (lasting.includes(step.kind)) found.push(step as Removal);
  if (found[0]?.kind === "adopted" && isThere(entry!)) found[0] = { ...found[0], netns: entry!.netnsPath };
  if (!isWhole(entry)) found.push(...marked(attachment));
  return found;
}

/** False for one of an ADD that died half-way, and one that was made anew from the kernel, which tells no IPAM. */
function isWhole(entry: Entry | undefined): boolean {
  return entry?.steps !== undefined && entry.state === "attached" && entry.ipamType !== "";
}

function marked(attachment: Attachment): Removal[] {
  return [
    { kind: "ports", attachment },
    { kind: "portCondition", attachment },
    { kind: "masqueradeAll", attachment },
    { kind: "spoofCheck", attachment },
    { kind: "shaping", ifb: shapingLinkName(attachment) },
  ];
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
    ...undoAll(traces(entry.attachment, entry), kernel),
    ...(hasVeth(entry) && isThere(entry) ? undoInnerEnd(entry) : []),
    ...(entry.bridge === "" ? inside.undoContainerLink({ attachment: entry.attachment, netns: "" }, entry) : []),
  ]);
}
