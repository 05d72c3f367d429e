/** The links and addresses in a network namespace, as the kernel has them now. */
import { formatCidr } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import { listAddresses } from "../../netlink/route/address.ts";
import { linkFlag, listLinks } from "../../netlink/route/link.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";

export interface LinkInside {
  readonly index: number;
  readonly name: string;
  readonly mac: string | undefined;
  readonly mtu: number | undefined;
  readonly isUp: boolean;
  readonly isVeth: boolean;
  /** With prefix length, `10.1.0.2/24`. */
  readonly addresses: readonly string[];
  /** IFLA_LINK: the index of the other end of a veth. */
  readonly peerIndex: number | undefined;
  /** IFLA_LINK_NETNSID: this namespace's number for that of the other end; undefined if it is the same one. */
  readonly peerNetnsId: number | undefined;
}

/** IFLA_INFO_KIND of a veth. */
const veth = "veth";

export function linksIn(socket: NetlinkSocket): LinkInside[] {
  const addresses = new Map<number, string[]>();
  for (const { index, local, address, prefixLength } of listAddresses(socket)) {
    const bytes = local ?? address;
    if (bytes === undefined) continue;
    const text = formatCidr({ ...addressFromBytes(bytes), prefixLength });
    const known = addresses.get(index);
    if (known) known.push(text);
    else addresses.set(index, [text]);
  }
  return listLinks(socket).map(({ index, name = "", address, mtu, flags, info, peerIndex, peerNetnsId }) => ({
    index,
    name,
    mac: address,
    mtu,
    isUp: (flags & linkFlag.up) !== 0,
    isVeth: info?.kind === veth,
    addresses: addresses.get(index) ?? [],
    peerIndex,
    peerNetnsId,
  }));
}
