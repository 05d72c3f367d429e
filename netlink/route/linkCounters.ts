/** Counters of links, and whether they are up: struct rtnl_link_stats64 (linux/if_link.h). */
import { attributes, struct, text, u64 } from "../codec.ts";
import type { NetlinkSocket } from "../socket.ts";
import { interfaceType, linkFlag, linkHeader } from "./link.ts";

/** Since the link was made, as the link itself sees it. */
export interface LinkCounters {
  readonly name: string;
  readonly index: number;
  readonly isLoopback: boolean;
  /** It is up, and so is the other end of a veth pair. */
  readonly isRunning: boolean;
  readonly receivedPackets: number;
  readonly sentPackets: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Packets of both directions that the link itself dropped. */
  readonly dropped: number;
}

const statistics = struct({
  ...{ receivedPackets: u64, sentPackets: u64, receivedBytes: u64, sentBytes: u64 },
  ...{ receiveErrors: u64, sendErrors: u64, receivedDropped: u64, sentDropped: u64 },
});

const attributesRead = attributes({
  name: [3, text],
  statistics: [23, statistics],
});

/** All links of the socket's namespace. */
export function listLinkCounters(socket: NetlinkSocket): LinkCounters[] {
  const message = {
    ...{ what: "list links with counters", type: interfaceType.get, flags: 0 },
    payload: linkHeader.put({}),
  };
  return socket.dump(message).map(({ payload }) => {
    const { name = "", statistics } = attributesRead.get(payload.subarray(linkHeader.size));
    const { index = 0, flags = 0 } = linkHeader.get(payload);
    return {
      ...{ name, index, isLoopback: (flags & linkFlag.loopback) !== 0 },
      isRunning: (flags & linkFlag.running) !== 0,
      receivedPackets: Number(statistics?.receivedPackets ?? 0n),
      sentPackets: Number(statistics?.sentPackets ?? 0n),
      receivedBytes: Number(statistics?.receivedBytes ?? 0n),
      sentBytes: Number(statistics?.sentBytes ?? 0n),
      dropped: Number((statistics?.receivedDropped ?? 0n) + (statistics?.sentDropped ?? 0n)),
    };
  });
}
