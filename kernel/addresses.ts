/**
 * The addresses of other network namespaces: of those that can be reached from here, and of those at the other end of a
 * host link.
 */
import { type Cidr, formatAddress } from "../ip/address.ts";
import { addressFromBytes } from "../ip/bytes.ts";
import { addressFlag, type InterfaceAddress, listAddresses } from "../netlink/route/address.ts";
import { listLinks } from "../netlink/route/link.ts";
import { netnsIdOf } from "../netlink/route/netnsId.ts";
import { routeScope } from "../netlink/route/route.ts";
import { openSocketIn, protocol } from "../netlink/socket.ts";
import { errno, tolerating } from "../sys/errors.ts";
import type { Kernel } from "./kernel.ts";
import { forEachNamespace, type SeenNamespace } from "./namespaces.ts";

/**
 * By address the namespace that has it; undefined if no path leads to that namespace, or if several have the address.
 * Leaves out interfaces whose other end, or whose lower device, is in a third namespace: this host does not reach them.
 */
export function addressesElsewhere(kernel: Kernel): ReadonlyMap<string, SeenNamespace | undefined> {
  const host = kernel.route("host");
  const own = kernel.host;
  const found = new Map<string, SeenNamespace | undefined>();
  const note = (addresses: readonly InterfaceAddress[], netns: SeenNamespace | undefined) => {
    for (const { local, address, scope } of addresses) {
      const bytes = local ?? address;
      if (bytes === undefined || scope === routeScope.link || scope === routeScope.host) continue;
      const text = formatAddress(addressFromBytes(bytes));
      found.set(text, found.has(text) ? undefined : netns);
    }
  };
  const asked = new Set<number | undefined>();
  forEachNamespace((netns) => {
    const { path, device, inode } = netns;
    if (inode === own.inode) return;
    asked.add(netnsIdOf(host, netns.fd));
    const inside = openSocketIn(netns, protocol.route);
    const here = netnsIdOf(inside, own.fd);
    const foreign = new Set<number>();
    for (const { index, peerNetnsId: id } of listLinks(inside)) if (id !== undefined && id !== here) foreign.add(index);
    const addresses = listAddresses(inside).filter(({ index }) => !foreign.has(index));
    note(addresses, { path, device, inode, cookie: inside.netnsCookie });
    inside.close();
  });
  // A runtime may hold a namespace open that has no name and no process; its links have an end on this host.
  for (const { peerNetnsId: id } of listLinks(host)) {
    if (id === undefined || asked.has(id)) continue;
    asked.add(id);
    tolerating(() => note(listAddresses(host, 0, id), undefined), errno.EINVAL); // it may end while the kernel is asked
  }
  return found;
}

export function globalOnes(all: ReturnType<typeof listAddresses>): SeenAddress[] {
  return all.flatMap(({ local, address, scope, prefixLength, flags = 0 }): SeenAddress[] => {
    const bytes = local ?? address;
    if (bytes === undefined || scope === routeScope.link) return [];
    return [{ ...addressFromBytes(bytes), prefixLength, noPrefixRoute: (flags & addressFlag.noPrefixRoute) !== 0 }];
  });
}

export interface SeenAddress extends Cidr {
  /** The kernel created no route to its subnet. */
  readonly noPrefixRoute: boolean;
}
