/**
 * A published port can be called at 127.0.0.1, which needs `route_localnet` on the interface towards the container. With
 * it, containers could call services that listen on the host's 127.0.0.1 only. A rule of nf_tables drops that
 * (step/ports/rules.ts), but `nft flush ruleset` removes the rule and leaves the sysctl. So each port of the bridge drops
 * incoming packets to 127.0.0.0/8 by a tc filter, which no flush of rules removes. The filter is on the ports, because on
 * the bridge br_netfilter has already changed an answer's destination back to 127.0.0.1.
 *
 * The filter drops by redirecting to a link that is down: a kernel may lack act_gact, while `bandwidth` needs mirred.
 */

import type { Kernel } from "../../kernel/kernel.ts";
import { closedLink } from "../../kernel/linkNames.ts";
import { closedGroup, macOfOwner } from "../../kernel/ownership.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { createLink, type Link } from "../../netlink/route/link.ts";
import { addIngress, isLoopbackRedirected, redirectLoopback } from "../../netlink/route/qdisc.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";

/** A port of a bridge with route_localnet. */
export interface ClosedStep {
  readonly kind: "closedLoopback";
  readonly link: string;
}

const closedMac = () => macOfOwner("closed");

/** Index of the link that is never up; creates it. */
function closedIndex(kernel: Kernel): number {
  const found = kernel.link("host", closedLink);
  if (found) return found.index;
  kernel.forget("host", closedLink);
  const wanted = { name: closedLink, address: closedMac(), group: closedGroup(), info: { kind: bridgeKind } };
  tolerating(() => kernel.request("host", createLink(wanted)), errno.EEXIST); // another ADD was first
  return kernel.indexOf("host", closedLink);
}

/** True if the filter exists, for code that removes a link's filters and has to restore this one. */
export function isClosed(index: number, kernel: Kernel): boolean {
  return kernel.link("host", closedLink) !== undefined && isLoopbackRedirected(kernel.route("host"), index);
}

export function close({ index, name = "" }: Pick<Link, "index" | "name">, kernel: Kernel): void {
  // They exist if another ADD was first, or if the container's traffic is limited.
  tolerating(() => kernel.request("host", addIngress(index, name)), errno.EEXIST);
  const closed = closedIndex(kernel);
  tolerating(() => kernel.request("host", redirectLoopback(index, closed, name)), errno.EEXIST);
}

export const closedLoopback: Kind<ClosedStep> = {
  apply({ link }, kernel) {
    close({ index: kernel.indexOf("host", link), name: link }, kernel);
    return false; // it ends with the link
  },

  check({ link }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index !== undefined && isLoopbackRedirected(kernel.route("host"), index)) return [];
    return missing(`filter of ${link} that keeps containers from 127.0.0.0/8`);
  },

  reason: () => "No packet of a container may reach what listens on the host's 127.0.0.1 only.",

  print: ({ link }, { kernel }) => [
    ...(kernel?.link("host", closedLink)
      ? []
      : [`ip link add ${closedLink} address ${closedMac()} group ${closedGroup()} type bridge`]),
    ...filterCommands([link]),
  ],
};

export function filterCommands(links: readonly string[]): string[] {
  const match = "u32 match u32 0x40000000 0xf0000000 at 0 match ip dst 127.0.0.0/8";
  const redirect = `action mirred egress redirect dev ${closedLink}`;
  return links
    .map(shellWord)
    .flatMap((link) => [
      `tc qdisc add dev ${link} ingress`,
      `tc filter add dev ${link} ingress protocol all prio 1 handle 800::1 ${match} ${redirect}`,
    ]);
}
