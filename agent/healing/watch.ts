/** Listens to the kernel for changes by which something may be missing. */

import { pluginTypes } from "../../conf/pluginType.ts";
import { nftTable } from "../../kernel/ownership.ts";
import { WireError } from "../../netlink/codec.ts";
import { type Frame, frames } from "../../netlink/message.ts";
import { nftEventGroup, nftEventOf } from "../../netlink/nft/events.ts";
import { routeEventGroups, routeEventOf } from "../../netlink/route/changes.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { protocol } from "../../netlink/socket.ts";
import { readText } from "../../sys/files.ts";
import { netlinkSocket } from "../../sys/libc.ts";
import { joinNetlinkGroup, setReceiveBuffer } from "../../sys/sysRare.ts";

/** Parts to compare; the second includes the first. */
export const scopes = ["rules", "host"] as const;
export type Scope = (typeof scopes)[number];

/** Something may be missing. */
export interface Sign {
  readonly of: Scope;
  /** The program that changed the rules. */
  readonly by?: string | undefined;
}

export interface Watched {
  readonly onSign: (sign: Sign) => void;
  /** Events were lost: everything must be compared. */
  readonly onLost: (what: string) => void;
}

/** The kernel counts 4 KiB and more an event, and a batch of rules is hundreds of events. Only memory that is used counts. */
const bufferBytes = 16 * 1024 * 1024;

/** A removed port whose link goes, too, is not missed: the kernel reports the link up to so much later. */
const portPauseMs = 150;

/** Watches the network namespace of this thread for as long as the process lives. */
export async function watch(watched: Watched): Promise<void> {
  await Promise.all([
    listen(protocol.route, Object.values(routeEventGroups), routeReader(watched), watched),
    listen(protocol.netfilter, [nftEventGroup], nftReader(watched), watched),
  ]);
}

type Reader = (frame: Frame) => void;

/** The runtime closes a socket whose events the kernel could not deliver (ENOBUFS). */
async function listen(number: number, groups: readonly number[], read: Reader, watched: Watched): Promise<void> {
  const fd = netlinkSocket(number);
  setReceiveBuffer(fd, bufferBytes);
  joinNetlinkGroup(fd, ...groups);
  let isLost = false;
  const again = () => {
    if (isLost) return;
    isLost = true;
    void listen(number, groups, read, watched).then(() =>
      watched.onLost("the kernel could not deliver all events: everything is compared again"),
    );
  };
  await Bun.connect({
    fd,
    socket: {
      data: (_: unknown, bytes: Uint8Array) => readAll(bytes, read),
      close: again,
      error: again,
    },
  } as unknown as Bun.UnixSocketOptions<undefined>); // the types lack `fd`
}

function readAll(bytes: Uint8Array, read: Reader): void {
  try {
    frames(bytes).forEach(read);
  } catch (error) {
    if (!(error instanceof WireError)) throw error; // an event of a newer kernel is not one of those that are waited for
  }
}

function routeReader({ onSign }: Watched): Reader {
  const left = new Set<number>();
  const onPort = (index: number) => {
    left.add(index);
    setTimeout(() => left.delete(index) && onSign({ of: "host" }), portPauseMs);
  };
  return (frame) => {
    const event = routeEventOf(frame);
    switch (event?.is) {
      case undefined:
        return;
      case "port removed":
        return onPort(event.index);
      case "link removed":
        left.delete(event.index);
        if (event.kind === bridgeKind) onSign({ of: "host" });
        return;
      case "link down":
        if (event.kind === bridgeKind) onSign({ of: "host" });
        return;
      default:
        onSign({ of: "host" });
    }
  };
}

/** Elements come and go with attachments, so those that ns-net itself removes are not missed. */
function nftReader({ onSign }: Watched): Reader {
  let removed: "nothing" | "elements" | "more" = "nothing";
  return (frame) => {
    const event = nftEventOf(frame);
    if (event?.is === "removed" && event.table === nftTable) {
      if (!event.isElement) removed = "more";
      else if (removed === "nothing") removed = "elements";
    }
    if (event?.is !== "end") return;
    const isOwn = isOwnName(event.name);
    if (removed === "more" || (removed === "elements" && !isOwn))
      onSign({ of: "rules", by: isOwn ? undefined : `${event.name} (process ${event.pid})` });
    removed = "nothing";
  };
}

/**
 * By its name, because the kernel reports the number that the thread has in the first PID namespace. The executable is
 * also called by the name of a plugin type. The standard plugins of these names never touch the table of ns-net.
 */
const ownNames = new Set<string>([readText("/proc/thread-self/comm").trim(), ...pluginTypes]);
const isOwnName = (name: string) => name.startsWith("ns-net") || ownNames.has(name);
