/**
 * Sets `route_localnet` on the interface towards containers, so that published ports can be called at 127.0.0.1, after
 * each port of the bridge has a filter for 127.0.0.0/8 (closedLoopback.ts). Attachments share it.
 */

import type { Kernel } from "../../kernel/kernel.ts";
import { closedLink } from "../../kernel/linkNames.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { vethKind } from "../../netlink/route/kind/veth.ts";
import { type Link, listLinks } from "../../netlink/route/link.ts";
import type { Kind } from "../kind.ts";
import { shellWord } from "../shellWords.ts";
import { close, filterCommands } from "./closedLoopback.ts";

/** The interface towards containers routes 127.0.0.0/8, and each of its ports drops it. */
export interface RouteLocalnetStep {
  readonly kind: "routeLocalnet";
  readonly link: string;
  /** The attachment's own links, which have a closedLoopback step each. */
  readonly but: readonly string[];
}

/** Kinds of ports of containers and virtual machines. Other ports, such as the uplink, get no filter. */
const containerKinds: readonly (string | undefined)[] = [vethKind, "tun"];

/** The links by which packets of containers come in: the ports of the bridge, or the link itself if it leads to no bridge. */
function waysIn({ link, but }: RouteLocalnetStep, kernel: Kernel): Pick<Link, "index" | "name">[] {
  const found = kernel.link("host", link);
  const bridge = found && bridgeBehind(found, kernel);
  if (bridge === undefined) return but.includes(link) ? [] : [{ index: kernel.indexOf("host", link), name: link }];
  const ports = listLinks(kernel.route("host"), { master: bridge });
  return ports.filter(
    ({ name = "", master, info }) => master === bridge && containerKinds.includes(info?.kind) && !but.includes(name),
  );
}

/** Index of the bridge of a link: itself, or for a VLAN's gateway the bridge below it or at the veth's other end. */
function bridgeBehind({ index, info, peerIndex, peerNetnsId }: Link, kernel: Kernel): number | undefined {
  if (info?.kind === bridgeKind) return index;
  const lower = peerIndex && peerNetnsId === undefined ? kernel.linkByIndex(peerIndex) : undefined;
  return lower?.info?.kind === bridgeKind ? lower.index : lower?.master;
}

const settingOf = (link: string) => `net/ipv4/conf/${link}/route_localnet`;

export const routeLocalnet: Kind<RouteLocalnetStep> = {
  apply(step, kernel) {
    const { link } = step;
    // If it is set, each ADD has closed its own port.
    if (kernel.readSysctl("host", settingOf(link)) === "1" && kernel.link("host", closedLink)) return false;
    for (const port of waysIn(step, kernel)) close(port, kernel);
    kernel.writeSysctl("host", settingOf(link), "1");
    // Ports that were added meanwhile, by an ADD that read the bridge before the sysctl was set.
    for (const port of waysIn(step, kernel)) close(port, kernel);
    return false;
  },

  repair(step, kernel) {
    for (const port of waysIn(step, kernel)) close(port, kernel);
    kernel.writeSysctl("host", settingOf(step.link), "1");
  },

  check({ link }, kernel) {
    const value = kernel.readSysctl("host", settingOf(link));
    return value === "1" ? [] : [{ what: `sysctl ${settingOf(link)}`, expected: "1", found: value ?? "none" }];
  },

  reason: () => "Published ports can be called at 127.0.0.1, too.",

  print(step, { kernel }) {
    const { link } = step;
    if (kernel?.readSysctl("host", settingOf(link)) === "1" && kernel.link("host", closedLink)) return [];
    const ports = kernel?.link("host", link) ? waysIn(step, kernel).map(({ name = "" }) => name) : [];
    return [
      ...(ports.length > 0 ? filterCommands(ports) : []),
      `sysctl -w ${shellWord(`net.ipv4.conf.${link.replaceAll(".", "/")}.route_localnet=1`)}`,
    ];
  },
};
