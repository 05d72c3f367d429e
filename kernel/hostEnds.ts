/** From a veth in a container to its end on the host, whatever its name: each end has the index of the other. */
import type { Attachment } from "../conf/attachment.ts";
import { formatAddress, parseAddress } from "../ip/address.ts";
import { vethKind } from "../netlink/route/kind/veth.ts";
import { getLink, type Link, listLinks } from "../netlink/route/link.ts";
import { netnsIdOf } from "../netlink/route/netnsId.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import type { Netns } from "../sys/netns.ts";
import type { Kernel } from "./kernel.ts";

/**
 * The interface of another plugin's attachment in the container. Old versions of host-local did not note its name: then it is
 * the one that has an address of it.
 */
export function interfaceOf({ ifname }: Attachment, addresses: readonly string[], kernel: Kernel): Link | undefined {
  if (ifname !== "") return kernel.link("container", ifname);
  const wanted = new Set(addresses.map((text) => formatAddress(parseAddress(text)!)));
  return listLinks(kernel.route("container")).find(
    ({ name }) =>
      name !== undefined && kernel.addresses("container", name).some((one) => wanted.has(formatAddress(one))),
  );
}

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
