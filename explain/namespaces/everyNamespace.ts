/** Every network namespace of the machine, with its links and, for each veth, the other end. */
import { openIfPresent } from "../../kernel/namespace.ts";
import { netnsIdOf } from "../../netlink/route/netnsId.ts";
import { NetlinkSocket, openSocketIn, protocol } from "../../netlink/socket.ts";
import { errno, isKernelError } from "../../sys/errors.ts";
import { closeNetns, type Netns, ownNetns } from "../../sys/netns.ts";
import { everyHolder, type Holder } from "./holders.ts";
import { type LinkInside, linksIn } from "./links.ts";
import { type Asked, type LinkWithPeer, withPeers } from "./peers.ts";

export interface Namespace extends Holder {
  /** True for the one that this process is in. */
  readonly isOwn: boolean;
  /** False if this user may not enter it: then it has no links. */
  readonly isRead: boolean;
  readonly links: readonly LinkWithPeer[];
}

interface Read extends Holder {
  readonly isOwn: boolean;
  readonly isRead: boolean;
  readonly links: readonly LinkInside[];
}

/** In order: this process's own, then by name, then by inode. Namespaces that end meanwhile are left out. */
export function everyNamespace(): Namespace[] {
  const own = Number(ownNetns().inode);
  using socket = new NetlinkSocket(protocol.route);
  /** The numbers that our own namespace has for the others, by inode. */
  const ids = new Map<number, number>();
  const read: Read[] = [];
  for (const holder of everyHolder().values()) {
    const one = opened(holder, (netns) => readFrom(holder, netns, own, socket, ids));
    if (one !== undefined) read.push(one);
  }
  read.sort((a, b) => Number(b.isOwn) - Number(a.isOwn) || compareNames(a, b));
  const ask: Asked = (from, to) => (from === own ? ids.get(to) : idBetween(from, to, read));
  return withPeers(read, own, ask);
}

function readFrom(holder: Holder, netns: Netns, own: number, socket: NetlinkSocket, ids: Map<number, number>): Read {
  const isOwn = holder.inode === own;
  try {
    const id = isOwn ? undefined : netnsIdOf(socket, netns.fd);
    if (id !== undefined) ids.set(holder.inode, id);
    if (isOwn) return { ...holder, isOwn, isRead: true, links: linksIn(socket) };
    using inside = openSocketIn(netns, protocol.route);
    return { ...holder, isOwn, isRead: true, links: linksIn(inside) };
  } catch (error) {
    if (!isKernelError(error, errno.EPERM)) throw error;
    return { ...holder, isOwn, isRead: false, links: [] };
  }
}

/** Opens the namespace by the first of its paths that still leads there. Undefined if none does. */
function opened<T>({ inode, paths }: Holder, work: (netns: Netns) => T): T | undefined {
  for (const path of paths) {
    const netns = openIfReadable(path);
    if (netns === undefined) continue;
    try {
      if (Number(netns.inode) === inode) return work(netns);
    } finally {
      closeNetns(netns);
    }
  }
  return undefined;
}

function openIfReadable(path: string): Netns | undefined {
  try {
    return openIfPresent(path);
  } catch (error) {
    if (isKernelError(error, errno.EPERM) || isKernelError(error, errno.EACCES)) return undefined;
    throw error;
  }
}

/** The number that the namespace `from` has for the namespace `to`. */
function idBetween(from: number, to: number, all: readonly Read[]): number | undefined {
  const [one, other] = [from, to].map((inode) => all.find((namespace) => namespace.inode === inode));
  if (one === undefined || other === undefined) return undefined;
  return opened(one, (netns) => {
    using socket = openSocketIn(netns, protocol.route);
    return opened(other, ({ fd }) => netnsIdOf(socket, fd));
  });
}

function compareNames(a: Holder, b: Holder): number {
  const [nameA, nameB] = [a.names[0], b.names[0]];
  if (nameA === undefined || nameB === undefined) {
    return Number(nameA === undefined) - Number(nameB === undefined) || a.inode - b.inode;
  }
  return nameA < nameB ? -1 : Number(nameA > nameB);
}
