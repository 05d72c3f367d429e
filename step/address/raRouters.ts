/**
 * Routes of the host that came by router advertisement. With forwarding on, the kernel takes the host for a router, deletes
 * these and listens to no other router, but on interfaces whose accept_ra is 2. Loaded where forwarding is turned on, and
 * where a bridge that somebody else made listens to routers.
 */

import type { Kernel } from "../../kernel/kernel.ts";
import { listRoutes } from "../../netlink/route/route.ts";
import { shellWord, sysctlName } from "../shellWords.ts";

/** RTPROT_RA, linux/rtnetlink.h. */
const protocolRa = 9;
/** Accept them, and accept them also when forwarding: networking/ip-sysctl.rst of the kernel's documentation. */
const [unlessForwarding, always] = ["1", "2"];

const acceptRa = (link: string) => `net/ipv6/conf/${link}/accept_ra`;

/** The links that such routes go by. */
export function linksByRa(kernel: Kernel): string[] {
  const indexes = new Set<number>();
  for (const { protocol, outIndex } of listRoutes(kernel.route("host"), 10))
    if (protocol === protocolRa && outIndex !== undefined) indexes.add(outIndex);
  return [...indexes].flatMap((index) => kernel.linkByIndex(index)?.name ?? []);
}

/** Those that would lose their routes. A program that hears the routers itself has the kernel's ears off, 0. */
export function losingLinks(kernel: Kernel): string[] {
  return linksByRa(kernel).filter((link) => kernel.readSysctl("host", acceptRa(link)) === unlessForwarding);
}

/** Before forwarding is turned on: the one setting of a link that is not ours, so it is said on standard error. */
export function keepRouters(kernel: Kernel): void {
  for (const link of losingLinks(kernel)) {
    kernel.writeSysctl("host", acceptRa(link), always);
    kernel.stderr(
      `ns-net: ${link} has routes from router advertisements, which the kernel drops when IPv6 forwarding is turned on: ` +
        `set ${sysctlName(acceptRa(link))} to ${always} first; make that last beyond a boot with a file in /etc/sysctl.d\n`,
    );
  }
}

/** The same as commands. */
export function keepingCommands(kernel: Kernel): string[] {
  return losingLinks(kernel).map((link) => `sysctl -w ${shellWord(`${sysctlName(acceptRa(link))}=${always}`)}`);
}
