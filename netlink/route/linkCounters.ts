/** Counters of links, and whether they are up: struct rtnl_link_stats64 (linux/if_link.h). */
import { attributes, struct, text, u64 } from "../codec.ts";
import type { NetlinkSocket } from "../socket.ts";
import { interfaceType, linkFlag, linkHeader } from "./link.ts";

/** Since the link was made, as the link itself sees it. */
export interface LinkCounters {
  readonly name: string;
  /** It is up, and so is the other end of a veth pair. */
  readonly isRunning: boolean;
  readonly receivedPackets: number;
  readonly sentPackets: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

const attributesRead = attributes({
  name: [3, text],
  statistics: [23, struct({ receivedPackets: u64, sentPackets: u64, receivedBytes: u64, sentBytes: u64 })],
});

/** All links of the socket's namespace. */
export function listLinkCounters(socket: NetlinkSocket): LinkCounters[] {
  const message = {
    ...{ what: "list links with counters", type: interfaceType.get, flags: 0 },
    payload: linkHeader.put({}),
  };
  return socket.dump(message).map(({ payload }) => {
    const { name = "", statistics } = attributesRead.get(payload.subarray(linkHeader.size));
    return {
      name,
      isRunning: ((linkHeader.get(payload).flags ?? 0) & linkFlag.running) !== 0,
      receivedPackets: Number(statistics?.receivedPackets ?? 0n),
      sentPackets: Number(statistics?.sentPackets ?? 0n),
      receivedBytes: Number(statistics?.receivedBytes ?? 0n),
      sentBytes: Number(statistics?.sentBytes ?? 0n),
    };
  });
}
