/** The packets that the interfaces of containers received and sent. */
import { openIfPresent } from "../../kernel/namespace.ts";
import { type LinkCounters, listLinkCounters } from "../../netlink/route/linkCounters.ts";
import { openSocketIn, protocol } from "../../netlink/socket.ts";
import { errno, isKernelError } from "../../sys/errors.ts";
import { closeNetns, ownNetns } from "../../sys/netns.ts";
import { everyHolder, type Holder } from "./holders.ts";

export interface Counted {
  readonly namespace: Holder;
  /** Without lo, as the namespace sees them. */
  readonly links: readonly LinkCounters[];
}

export interface Sample {
  /** As performance.now() has it. */
  readonly atMs: number;
  /** Every network namespace but our own. */
  readonly counted: readonly Counted[];
  /** Namespaces that this user may not enter. */
  readonly unread: number;
}

/** Looks once. No socket stays open: it would keep a namespace alive after its container's end. */
export function sampleTraffic(): Sample {
  const own = Number(ownNetns().inode);
  const counted: Counted[] = [];
  let unread = 0;
  for (const namespace of everyHolder().values()) {
    if (namespace.inode === own) continue;
    try {
      const links = linksOf(namespace);
      if (links !== undefined) counted.push({ namespace, links: links.filter(({ isLoopback }) => !isLoopback) });
    } catch (error) {
      if (!isKernelError(error, errno.EPERM, errno.EACCES)) throw error;
      unread++;
    }
  }
  return { atMs: performance.now(), counted, unread };
}

/** Undefined if the namespace ended meanwhile. */
function linksOf({ inode, paths }: Holder): readonly LinkCounters[] | undefined {
  for (const path of paths) {
    const netns = openIfPresent(path);
    if (netns === undefined) continue;
    try {
      if (Number(netns.inode) !== inode) continue;
      using socket = openSocketIn(netns, protocol.route);
      return listLinkCounters(socket);
    } finally {
      closeNetns(netns);
    }
  }
  return undefined;
}
