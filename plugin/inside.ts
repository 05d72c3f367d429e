/**
 * Attachments of which nothing is on the host: an interface made in the container, or one of the host lent to it. What
 * is undone is undone in the container's namespace, found by what the caller says or else by what the journal does.
 */
import { type Attachment, attachmentText } from "../conf/attachment.ts";
import { code, Fault } from "../conf/fault.ts";
import { bootId, type Entry, openExistingStore } from "../ipam/store.ts";
import { closeNetns, isSameNetns, type Netns } from "../netlink/netns.ts";
import { undoAll } from "./commit.ts";
import { Kernel } from "./kernel.ts";
import { deviceGroup, hostLinkName, insideGroup } from "./names.ts";
import { standing } from "./namespace.ts";
import type { Removal, Step } from "./step/index.ts";
import { isThere } from "./traces.ts";

const kinds: readonly Step["kind"][] = ["inside", "device", "tap"];

/** By its marks alone: what an ADD that was killed may have left, or one whose entry is lost. */
export function insideRemovals(attachment: Attachment): Removal[] {
  const { network, ifname } = attachment;
  return [
    { kind: "inside", ifname, temporary: hostLinkName(attachment), group: insideGroup(network) },
    { kind: "device", ifname, group: deviceGroup(network) },
  ];
}

export function undoInside(attachment: Attachment, entry: Entry | undefined, path: string): Error[] {
  const steps = (entry?.steps as readonly Step[] | undefined)?.filter(({ kind }) => kinds.includes(kind));
  let netns: Netns | undefined;
  try {
    netns = standing(path) ?? (entry && isThere(entry) ? standing(entry.netnsPath) : undefined);
  } catch (error) {
    return [error as Error];
  }
  const kernel = new Kernel(netns);
  try {
    return undoAll((steps as Removal[] | undefined) ?? insideRemovals(attachment), kernel);
  } finally {
    kernel.close();
    if (netns) closeNetns(netns);
  }
}

/** Refuses an attachment that another namespace, which lives, has: nothing on the host tells of it, so the journal must. */
export function refuseElsewhere(attachment: Attachment, dataDir: string, netns: Netns): void {
  const entry = openExistingStore(dataDir)?.find(attachment);
  if (entry?.state !== "attached" || entry.bootId !== bootId() || !isThere(entry)) return;
  if (isSameNetns(netns, { device: entry.netnsDevice, inode: entry.netnsInode })) return;
  throw new Fault(
    code.environment,
    `Cannot attach ${attachmentText(attachment)}: it is attached already, in the namespace ${entry.netnsPath}`,
    "Delete the attachment first (CNI DEL, or 'ns-net del')",
  );
}
