/** The network namespaces that can be reached from here: by a name in /run/netns, or through a process. */
import { readdirSync } from "node:fs";
import { netnsIdOf } from "../netlink/route/netnsId.ts";
import { withCookie } from "../netlink/sameNetns.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { closeNetns, type Netns, type NetnsIdentity, netnsFolder, netnsIdentity, openNetns } from "../sys/netns.ts";

export interface SeenNamespace extends NetnsIdentity {
  readonly path: string;
}

/**
 * The reachable namespaces by the number that the socket's namespace has for each. Leaves out those without a number:
 * no link leads from them to here.
 */
export function namespacesById(socket: NetlinkSocket): ReadonlyMap<number, SeenNamespace> {
  const found = new Map<number, SeenNamespace>();
  forEachNamespace((netns) => {
    const id = netnsIdOf(socket, netns.fd);
    if (id === undefined) return;
    const { path, device, inode, cookie } = withCookie(netns);
    found.set(id, { path, device, inode, cookie });
  });
  return found;
}

/** Visits each reachable namespace once, and closes it after the visit. */
export function forEachNamespace(visit: (netns: Netns) => void): void {
  const seen = new Set<bigint>();
  for (const path of paths()) {
    const inode = netnsIdentity(path)?.inode;
    if (inode === undefined || seen.has(inode)) continue;
    seen.add(inode);
    const netns = opened(path);
    if (netns === undefined) continue;
    try {
      visit(netns);
    } finally {
      closeNetns(netns);
    }
  }
}

/** Names come before processes: they say more, and last longer. */
function paths(): string[] {
  const names = listed(netnsFolder).map((name) => `${netnsFolder}/${name}`);
  const processes = listed("/proc").filter((name) => /^\d+$/.test(name));
  return [...names, ...processes.map((pid) => `/proc/${pid}/ns/net`)];
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Opens a namespace; undefined if the path is something else, or no longer exists. */
function opened(path: string): Netns | undefined {
  try {
    return openNetns(path);
  } catch {
    return undefined;
  }
}
