/** From a veth in a container to its end on the host, whatever its name: each end has the index of the other. */
import { vethKind } from "../netlink/route/kind/veth.ts";
import { getLink, type Link } from "../netlink/route/link.ts";
import { netnsIdOf } from "../netlink/route/netnsId.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import type { Netns } from "../sys/netns.ts";

/** A container and its host, each with a socket. */
export interface Sight {
  readonly pod: Netns;
  readonly own: Netns;
  readonly inside: NetlinkSocket;
  readonly host: NetlinkSocket;
}

/** Answers how to find the other end of a link of the container; undefined if it is no veth, or if that end is elsewhere. */
export function hostEnds({ pod, own, inside, host }: Sight): (inner: Link) => Link | undefined {
  // A namespace gets its number when a link that leads to it is read.
  const here = netnsIdOf(inside, own.fd);
  return ({ index, info, peerIndex, peerNetnsId }) => {
    if (info?.kind !== vethKind || peerIndex === undefined) return undefined;
    if (here === undefined || peerNetnsId !== here) return undefined;
    const outer = getLink(host, peerIndex);
    if (outer?.info?.kind !== vethKind || outer.peerIndex !== index) return undefined;
    return outer.peerNetnsId !== undefined && outer.peerNetnsId === netnsIdOf(host, pod.fd) ? outer : undefined;
  };
}
