/**
 * Namespaces that `add` made, which `del` deletes. It is written into the namespace itself, as the alias of its loopback
 * interface, before it has a name: whatever dies when, and whatever the store has lost, `del` sees whose it is.
 */
import { existsSync, lstatSync } from "node:fs";
import { errno, isKernelError } from "../netlink/errors.ts";
import { closeNetns, NotANamespace, netnsFolder, openNetns, openSocketIn } from "../netlink/netns.ts";
import { createNetns, deleteNetns } from "../netlink/newNetns.ts";
import { getLink, linkFlag, listLinks } from "../netlink/route/link.ts";
import { protocol } from "../netlink/socket.ts";

export const ownMark = "made by ns-net";

/** Makes the namespace of a name that nobody has; true when this call made it. */
export function madeNamespace(name: string): boolean {
  const path = `${netnsFolder}/${name}`;
  const over = isRemnantAt(path);
  if (existsSync(path) && !over) return false;
  try {
    createNetns(name, { alias: ownMark, over });
    return true;
  } catch (error) {
    if (isKernelError(error, errno.EEXIST)) return false; // another call made it meanwhile
    throw error;
  }
}

/** Deletes the namespace if `add` made it and nothing is attached in it, which another store may know of. */
export function deleteOwn(path: string): void {
  const name = path.startsWith(`${netnsFolder}/`) ? path.slice(netnsFolder.length + 1) : "";
  if (name !== "" && !name.includes("/") && (isOwn(path) || isRemnantAt(path))) deleteNetns(name);
}

function isOwn(path: string): boolean {
  try {
    const netns = openNetns(path);
    using socket = openSocketIn(netns, protocol.route);
    closeNetns(netns);
    // What a tunnel's module puts into every namespace (sit0, tunl0) is down; an interface in use is up.
    const isBare = listLinks(socket).every(({ name, flags }) => name === "lo" || (flags & linkFlag.up) === 0);
    return isBare && getLink(socket, "lo")?.alias === ownMark;
  } catch (error) {
    if (error instanceof NotANamespace) return false;
    throw error;
  }
}

/** Between a name's file and the mount on it there are microseconds. */
const makingMsMax = 1000;

/** The file of a name whose maker died before it mounted a namespace there, which `ip netns` leaves as well. */
function isRemnantAt(path: string): boolean {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (!file?.isFile() || file.size > 0 || (file.mode & 0o777) !== 0 || Date.now() - file.ctimeMs < makingMsMax)
    return false;
  try {
    closeNetns(openNetns(path));
    return false;
  } catch (error) {
    return error instanceof NotANamespace;
  }
}
