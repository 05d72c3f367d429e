/**
 * Attachments of which nothing is on the host: an interface made in the container, or one of the host lent to it. What
 * is undone is undone in the container's namespace, found by what the caller says or else by what the journal does.
 */
import type { Attachment } from "../conf/attachment.ts";
import type { Raw } from "../conf/request.ts";
import type { PluginType } from "../conf/types.ts";
import type { Entry } from "../ipam/store.ts";
import { errno } from "../netlink/errors.ts";
import { closeNetns, type Netns } from "../netlink/netns.ts";
import { deleteLink, listLinks } from "../netlink/route/link.ts";
import { undoAll } from "./commit.ts";
import { ignoring } from "./condemn.ts";
import { Kernel } from "./kernel.ts";
import { deviceGroup, hostLinkName, insideGroup, isAliasOf } from "./names.ts";
import { standing, standingAs } from "./namespace.ts";
import { foreignIn } from "./reference/inside.ts";
import type { Removal, Step } from "./step/index.ts";
import type { Foreign } from "./step/inside.ts";

const kinds: readonly Step["kind"][] = ["inside", "device", "tap"];

/** By its marks alone: what an ADD that was killed may have left, or one whose entry is lost; and what `foreign` tells. */
export function insideRemovals(attachment: Attachment, foreign?: Foreign): Removal[] {
  const { network, ifname } = attachment;
  const [temporary, group] = [hostLinkName(attachment), insideGroup(network)];
  return [
    { kind: "inside", ifname, temporary, group, ...(foreign && { foreign }) },
    {
      ...{ kind: "device", ifname, group: deviceGroup(network) },
      ...(foreign?.type === "host-device" && { foreignMac: foreign.mac }),
    },
  ];
}

/** True when there may be something to undo of an attachment that has no entry. */
export function isStandingInside({ attachment, netns: path, type }: Undone): boolean {
  if (type === "host-device") return true; // it may have been sent home
  const netns = standing(path);
  if (!netns) return false;
  const kernel = new Kernel(netns);
  try {
    return [attachment.ifname, hostLinkName(attachment)].some((name) => kernel.link("pod", name) !== undefined);
  } finally {
    kernel.close();
    closeNetns(netns);
  }
}

interface Undone {
  readonly attachment: Attachment;
  /** May be empty. */
  readonly netns: string;
  readonly type?: PluginType;
  readonly raw?: Raw;
}

export function undoInside({ attachment, netns: path, type, raw }: Undone, entry: Entry | undefined): Error[] {
  const all = entry?.steps as readonly Step[] | undefined;
  const isAnothers = all === undefined || all[0]?.kind === "adopted";
  const removals = isAnothers
    ? insideRemovals(attachment, raw && foreignIn(raw, attachment.ifname, type))
    : (all.filter(({ kind }) => kinds.includes(kind)) as Removal[]);
  let netns: Netns | undefined;
  try {
    // A runtime tells the namespace of an ADD that was refused, for example: where it is, the journal knows better.
    const own = entry && standingAs(entry.netnsPath, { device: entry.netnsDevice, inode: entry.netnsInode });
    netns = own ?? standing(path);
  } catch (error) {
    return [error as Error];
  }
  const kernel = new Kernel(netns);
  try {
    const errors = undoAll(removals, kernel);
    if (netns) removeRenamed(attachment, kernel);
    return errors;
  } catch (error) {
    return [error as Error];
  } finally {
    kernel.close();
    if (netns) closeNetns(netns);
  }
}

/** What somebody gave another name in the container: its alias still says whose it is. */
function removeRenamed(attachment: Attachment, kernel: Kernel): void {
  const group = insideGroup(attachment.network);
  for (const link of listLinks(kernel.route("pod"))) {
    if (link.group !== group || !isAliasOf(link.alias ?? "", attachment)) continue;
    ignoring(errno.ENODEV, () => kernel.request("pod", deleteLink(link)));
  }
}
