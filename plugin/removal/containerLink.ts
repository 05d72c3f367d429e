/**
 * Removes an interface that exists only in the container: one that was created there, or a device that the host lent.
 * Works in the container's namespace: the one of the entry, else the one that the caller names.
 */
import type { Attachment } from "../../conf/attachment.ts";
import type { DeleteRequest } from "../../conf/request.ts";
import { adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { identityIn, openIfPresent, openIfSame } from "../../kernel/namespace.ts";
import { containerLinkGroup, isAliasOf } from "../../kernel/ownership.ts";
import { deleteLink, listLinks } from "../../netlink/route/link.ts";
import { undoAll } from "../../step/commit.ts";
import { isMadeBy, leftoversOf, linkMadeBy, type Removal, type Step, stepsOf } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { closeNetns, isSameNetns, type Netns } from "../../sys/netns.ts";
import { Attempts } from "../attempts.ts";
import { foreignIn } from "../takeover/foreignLink.ts";
import type { Leaving } from "./leaving.ts";

/** True if an attachment without an entry may have something to undo. */
export function isInContainer({ attachment, netns: path, type }: DeleteRequest, kernel: Kernel): boolean {
  if (type === "host-device") return true; // the kernel may have sent it home
  const netns = openIfPresent(path);
  if (!netns) return false;
  using inside = kernel.withContainer(netns);
  return [attachment.ifname, hostLinkName(attachment)].some((name) => inside.link("container", name) !== undefined);
}

/** Absent is success. Answers the errors. */
export function undoContainerLink({ attachment, entry, netns: path, type, raw }: Leaving, kernel: Kernel): Error[] {
  const own = entry?.steps === undefined || adoptedStep(entry) ? undefined : stepsOf(entry);
  const removals = own
    ? own.filter((step) => linkMadeBy(step) === "container")
    : leftoversOf(
        "container",
        { kind: "attachment", name: attachment },
        { foreign: raw && foreignIn(raw, attachment.ifname, type) },
      );
  const namespaces = namespacesOf(path, entry);
  // A device that came home is found without a namespace.
  if (namespaces.length === 0) namespaces.push(undefined);
  return namespaces.flatMap((netns) => undoIn(netns, removals, attachment, own ?? [], kernel));
}

/**
 * The entry's namespace, if it exists: a runtime may name that of a later ADD, which was refused. An entry rebuilt from
 * the kernel relies on what a container wrote into its namespace, which may be false: then both.
 */
function namespacesOf(path: string, entry: Entry | undefined): (Netns | undefined)[] {
  const own = entry && openIfSame(entry.netnsPath, identityIn(entry));
  if (own && entry?.ipamType !== "") return [own];
  const other = openIfPresent(path);
  if (own && other && isSameNetns(own, other)) {
    closeNetns(other);
    return [own];
  }
  return [own, other].filter((netns) => netns !== undefined);
}

function undoIn(
  netns: Netns | undefined,
  removals: readonly Removal[],
  attachment: Attachment,
  own: readonly Step[],
  host: Kernel,
): Error[] {
  using kernel = host.withContainer(netns);
  const attempts = new Attempts();
  attempts.all(() => undoAll(removals, kernel));
  if (netns) attempts.try(undefined, () => removeDisguised(attachment, own, kernel));
  return attempts.errors;
}

/**
 * Removes the interface if the container changed its name, group, alias or hardware address. Group and alias together
 * identify it; with an entry, the kind of link with the name or the address does, too.
 */
function removeDisguised(attachment: Attachment, steps: readonly Step[], kernel: Kernel): void {
  const group = containerLinkGroup(attachment.network);
  for (const link of listLinks(kernel.route("container"))) {
    const isMarked = link.group === group && isAliasOf(link.alias ?? "", attachment);
    if (!isMarked && !steps.some((step) => isMadeBy(step, link))) continue;
    tolerating(() => kernel.request("container", deleteLink(link)), errno.ENODEV);
  }
}
