/**
 * Namespaces that `add` creates and `del` deletes. `add` writes a proof of each before the namespace has its name, so
 * `del` recognizes it after any crash and without a store.
 */
import { existsSync, lstatSync } from "node:fs";
import { createNetns, deleteNetns } from "../kernel/newNamespace.ts";
import { linkFlag, listLinks } from "../netlink/route/link.ts";
import { openSocketIn, protocol } from "../netlink/socket.ts";
import { errno, tolerating } from "../sys/errors.ts";
import { closeNetns, NotANamespace, netnsFolder, openNetns } from "../sys/netns.ts";
import { isProven, removeProof, writeProof } from "./proof.ts";

/** Creates the namespace of a free name; true if this call created it. */
export function madeNamespace(name: string): boolean {
  const path = `${netnsFolder}/${name}`;
  const over = isRemnantAt(path);
  if (existsSync(path) && !over) return false;
  // EEXIST: another call created it meanwhile.
  return (
    tolerating(() => createNetns(name, { onMade: (made) => writeProof(name, made), over }), errno.EEXIST) !== undefined
  );
}

/** Deletes the namespace if `add` created it and no interface of ns-net is in it: another store may know that one. */
export function deleteOwn(path: string): void {
  const name = path.startsWith(`${netnsFolder}/`) ? path.slice(netnsFolder.length + 1) : "";
  if (name !== "" && !name.includes("/") && (isOwn(path, name) || isRemnantAt(path))) deleteMade(name);
}

/** The proof is removed last: without its namespace it proves nothing. */
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

/** Interfaces that a tunnel's module creates in every namespace when it is loaded. */
const tunnelsEverywhere = [
  ...["tunl0", "gre0", "gretap0", "erspan0", "ip_vti0"],
  ...["sit0", "ip6tnl0", "ip6gre0", "ip6_vti0"],
];

/** The time between creating a name's file and mounting the namespace there is microseconds. */
const makingMsMax = 1000;
const makingPauseMs = 5;

/**
 * True for a file whose creator died before it mounted a namespace there (`ip netns` leaves such files, too). Waits if
 * the file is young, because its creator may be at work.
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

/** The age of a name's file without a namespace on it. */
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
