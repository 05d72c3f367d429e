/**
 * Routes of the host that came from router advertisements. With forwarding on, the kernel treats the host as a router: it
 * deletes these routes and ignores advertisements, except on interfaces whose accept_ra is 2. Loaded if forwarding is
 * turned on, and if a bridge that ns-net did not create accepts advertisements.
 */

import type { Kernel } from "../../kernel/kernel.ts";
import { listRoutes } from "../../netlink/route/route.ts";
import { shellWord, sysctlName } from "../shellWords.ts";

/** RTPROT_RA, linux/rtnetlink.h. */
const protocolRa = 9;
/** Values of accept_ra: accept them without forwarding, or also with forwarding (networking/ip-sysctl.rst of the kernel's documentation). */
const [unlessForwarding, always] = ["1", "2"];

const acceptRa = (link: string) => `net/ipv6/conf/${link}/accept_ra`;

/** The links of such routes. */
export function linksByRa(kernel: Kernel): string[] {
  const indexes = new Set<number>();
  for (const { protocol, outIndex } of listRoutes(kernel.route("host"), 10))
    if (protocol === protocolRa && outIndex !== undefined) indexes.add(outIndex);
  return [...indexes].flatMap((index) => kernel.linkByIndex(index)?.name ?? []);
}

/** The links that would lose their routes. A program that handles advertisements itself sets accept_ra to 0. */
export function losingLinks(kernel: Kernel): string[] {
  return linksByRa(kernel).filter((link) => kernel.readSysctl("host", acceptRa(link)) === unlessForwarding);
}

/** Call it before turning on forwarding. It changes a link that is not ours, the only such setting, so it says so on standard error. */
export function keepRouters(kernel: Kernel): void {
  for (const link of losingLinks(kernel)) {
    kernel.writeSysctl("host", acceptRa(link), always);
    kernel.stderr(
      `ns-net: ${link} has routes from router advertisements, which the kernel drops when IPv6 forwarding is turned on: ` +
        `set ${sysctlName(acceptRa(link))} to ${always} first; make that last beyond a boot with a file in /etc/sysctl.d\n`,
    );
  }
}

/** The commands that do the same. */
export function keepingCommands(kernel: Kernel): string[] {
  return losingLinks(kernel).map((link) => `sysctl -w ${shellWord(`${sysctlName(acceptRa(link))}=${always}`)}`);
}
