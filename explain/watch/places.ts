/** The namespaces that events come from, by the numbers that this namespace has for them. */
import { openIfPresent } from "../../kernel/namespace.ts";
import { netnsIdOf } from "../../netlink/route/netnsId.ts";
import { NetlinkSocket, protocol } from "../../netlink/socket.ts";
import { errno, isKernelError } from "../../sys/errors.ts";
import { closeNetns, type Netns, openOwnNetns, ownNetns } from "../../sys/netns.ts";
import { nameOf } from "../containers/container.ts";
import { everyContainer } from "../containers/find.ts";
import { everyHolder, type Holder } from "../namespaces/holders.ts";
import { containersByInode } from "../namespaces/inside.ts";

const hostName = "host";
/** Finding all namespaces of a large machine takes a tenth of a second. After one in vain, the next waits so many times as long. */
const pauseTimes = 5;

type Visit = (netnsId: number | undefined, netns: Netns) => void;

export class Places {
  readonly #names = new Map<number, string>();
  readonly #onFound: Visit;
  #pausedUntilMs = 0;

  /** `onFound` sees the open namespaces at each search, also our own, which has no number. */
  constructor(onFound: Visit) {
    this.#onFound = onFound;
  }

  /** As a person can give it to `inspect` and `exec`. */
  nameOf(netnsId: number | undefined): string {
    if (netnsId === undefined) return hostName;
    const known = this.#names.get(netnsId);
    if (known !== undefined) return known;
    const startMs = performance.now();
    if (startMs > this.#pausedUntilMs) {
      this.look();
      const endMs = performance.now();
      // A namespace that is ending is not found any more.
      if (!this.#names.has(netnsId)) this.#pausedUntilMs = endMs + pauseTimes * (endMs - startMs);
    }
    return this.#names.get(netnsId) ?? `namespace ${netnsId}`;
  }

  /** Finds the namespaces again. */
  look(): void {
    const own = Number(ownNetns().inode);
    using socket = new NetlinkSocket(protocol.route);
    visited(openOwnNetns(), (netns) => this.#onFound(undefined, netns));
    const holders = [...everyHolder().values()].filter(({ inode }) => inode !== own);
    const inside = holders.map((one) => ({ ...one, isOwn: false }));
    const containers = containersByInode(inside, everyContainer(holders.flatMap(({ processes }) => processes)));
    for (const holder of holders) {
      const netns = opened(holder);
      if (netns === undefined) continue;
      visited(netns, () => {
        const id = netnsIdOf(socket, netns.fd);
        if (id === undefined) return;
        const container = containers.get(holder.inode);
        this.#names.set(id, container ? `container:${nameOf(container)}` : shortName(holder));
        this.#onFound(id, netns);
      });
    }
  }
}

function visited(netns: Netns, work: (netns: Netns) => void): void {
  try {
    work(netns);
  } catch (error) {
    if (!isKernelError(error, errno.EPERM, errno.EACCES)) throw error;
  } finally {
    closeNetns(netns);
  }
}

function opened({ inode, paths }: Holder): Netns | undefined {
  for (const path of paths) {
    const netns = present(path);
    if (netns === undefined) continue;
    if (Number(netns.inode) === inode) return netns;
    closeNetns(netns);
  }
  return undefined;
}

function present(path: string): Netns | undefined {
  try {
    return openIfPresent(path);
  } catch (error) {
    if (isKernelError(error, errno.EPERM, errno.EACCES)) return undefined;
    throw error;
  }
}

function shortName({ names, processes, inode }: Holder): string {
  const [first] = processes;
  return names[0] ?? (first ? `pid:${first.pid}` : `net:[${inode}]`);
}
