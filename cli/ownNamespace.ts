/**
 * Namespaces that `add` made, which `del` deletes. `add` writes a proof of each before the namespace has its name:
 * whatever dies when, and whatever the store has lost, `del` sees whose it is.
 */
import { existsSync, lstatSync } from "node:fs";
import { createNetns, deleteNetns } from "../kernel/newNamespace.ts";
import { linkFlag, listLinks } from "../netlink/route/link.ts";
import { openSocketIn, protocol } from "../netlink/socket.ts";
import { errno, isKernelError } from "../sys/errors.ts";
import { closeNetns, NotANamespace, netnsFolder, openNetns } from "../sys/netns.ts";
import { isProven, removeProof, writeProof } from "./proof.ts";

/** Makes the namespace of a name that nobody has; true when this call made it. */
export function madeNamespace(name: string): boolean {
  const path = `${netnsFolder}/${name}`;
  const over = isRemnantAt(path);
  if (existsSync(path) && !over) return false;
  try {
    createNetns(name, { onMade: (made) => writeProof(name, made), over });
    return true;
  } catch (error) {
    if (isKernelError(error, errno.EEXIST)) return false; // another call made it meanwhile
    throw error;
  }
}

/** Deletes the namespace if `add` made it and nothing is attached in it, which another store may know of. */
export function deleteOwn(path: string): void {
  const name = path.startsWith(`${netnsFolder}/`) ? path.slice(netnsFolder.length + 1) : "";
  if (name !== "" && !name.includes("/") && (isOwn(path, name) || isRemnantAt(path))) deleteMade(name);
}

/** The proof goes last: without its namespace it proves nothing. */
export function deleteMade(name: string): void {
  deleteNetns(name);
  removeProof(name);
}

function isOwn(path: string, name: string): boolean {
  try {
    const netns = openNetns(path);
    try {
      using socket = openSocketIn(netns, protocol.route);
      const isBare = listLinks(socket).every(({ name = "", flags }) => {
        return name === "lo" || (tunnelsEverywhere.includes(name) && (flags & linkFlag.up) === 0);
      });
      return isBare && isProven(name, { ...netns, cookie: socket.netnsCookie });
    } finally {
      closeNetns(netns);
    }
  } catch (error) {
    if (error instanceof NotANamespace) return false;
    throw error;
  }
}

/** What a tunnel's module puts into every namespace when it is loaded. */
const tunnelsEverywhere = [
  ...["tunl0", "gre0", "gretap0", "erspan0", "ip_vti0"],
  ...["sit0", "ip6tnl0", "ip6gre0", "ip6_vti0"],
];

/** Between a name's file and the mount on it there are microseconds. */
const makingMsMax = 1000;
const makingPauseMs = 5;

/**
 * The file of a name whose maker died before it mounted a namespace there, which `ip netns` leaves as well. One that is
 * young may have a maker at work, who is waited for.
 */
function isRemnantAt(path: string): boolean {
  const startMs = performance.now();
  for (;;) {
    const ageMs = unmountedMs(path);
    if (ageMs === undefined) return false;
    // The file's time is of a clock that may be set.
    if (Math.max(ageMs, performance.now() - startMs) >= makingMsMax) return true;
    Bun.sleepSync(makingPauseMs);
  }
}

/** For how long there has been the file of a name as its maker makes it, and no namespace on it. */
function unmountedMs(path: string): number | undefined {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (!file?.isFile() || file.size > 0 || (file.mode & 0o777) !== 0) return undefined;
  try {
    closeNetns(openNetns(path));
    return undefined;
  } catch (error) {
    if (!(error instanceof NotANamespace)) throw error;
    return Date.now() - file.ctimeMs;
  }
}
