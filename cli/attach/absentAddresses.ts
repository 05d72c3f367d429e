/** Published ports at an address that the host does not have: they lead nowhere until it has. */
import type { PortMapping } from "../../conf/config/config.ts";
import { parseAddress } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { lookUpRoute, routeKind } from "../../netlink/route/route.ts";

/** Reports them on standard error. It is no mistake: an address for failover comes and goes. */
export function warnOfAbsent(mappings: readonly PortMapping[], kernel: Kernel): void {
  for (const { hostIp, hostPort, protocol } of mappings) {
    const address = hostIp === undefined ? undefined : parseAddress(hostIp);
    if (address === undefined || address.value === 0n) continue; // every address
    if (lookUpRoute(kernel.route("host"), addressBytes(address))?.kind === routeKind.local) continue;
    const port = `${hostPort}${protocol === "tcp" ? "" : `/${protocol}`}`;
    kernel.stderr(
      `ns-net: no interface of this host has ${hostIp}: port ${port} is published there once one does; see: ip address\n`,
    );
  }
}
