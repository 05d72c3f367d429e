/** Warns of a subnet that two links have: the kernel sends packets for containers by only one of them. */

import { addressBits, type Cidr, formatCidr, networkOf, overlaps, parseCidr } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { addressFamily } from "../../netlink/route/address.ts";
import { listRoutes, mainTable } from "../../netlink/route/route.ts";
import type { LeasedAddress } from "../../store/entry.ts";

/** Reports on standard error routes that lead a part of the container's subnets to a link other than `through`. */
export function hintAtOverlaps(through: string, addresses: readonly LeasedAddress[], kernel: Kernel): void {
  const own = kernel.link("host", through)?.index;
  const subnets = addresses.map(({ address }) => networkOf(parseCidr(address)!));
  const routes = Object.values(addressFamily).flatMap((family) =>
    listRoutes(kernel.route("host"), family, { table: mainTable }),
  );
  for (const { destination, dstLength, outIndex } of routes) {
    if (destination === undefined || outIndex === undefined || outIndex === own) continue;
    const route: Cidr = { ...addressFromBytes(destination), prefixLength: dstLength };
    const subnet = subnets.find((one) => isRival(route, one));
    if (subnet === undefined) continue;
    const link = kernel.linkByIndex(outIndex)?.name ?? "another link";
    kernel.stderr(
      `ns-net: ${formatCidr(subnet)} is the network of ${through}, and the host has a route of ${formatCidr(route)} to ${link}: ` +
        `what it sends to containers may go there. Give this network another subnet, or see who has it: ip route show ${formatCidr(route)}\n`,
    );
  }
}

/**
 * True for a route that takes packets of the subnet. A wider route has lower priority, and one to a single host is on
 * purpose.
 */
export function isRival(route: Cidr, subnet: Cidr): boolean {
  const isHost = route.prefixLength === addressBits(route.family) && subnet.prefixLength < route.prefixLength;
  return (
    route.family === subnet.family && !isHost && route.prefixLength >= subnet.prefixLength && overlaps(route, subnet)
  );
}
