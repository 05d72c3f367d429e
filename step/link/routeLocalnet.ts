/**
 * `route_localnet` of the interface towards containers, by which published ports are reached at 127.0.0.1, once each
 * port of the bridge drops what a container sends there (closedLoopback.ts). Attachments share it.
 */

import type { Kernel } from "../../kernel/kernel.ts";
import { closedLink } from "../../kernel/linkNames.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { vethKind } from "../../netlink/route/kind/veth.ts";
import { type Link, listLinks } from "../../netlink/route/link.ts";
import type { Kind } from "../kind.ts";
import { shellWord } from "../shellWords.ts";
import { close, filterCommands } from "./closedLoopback.ts";

/** The interface towards containers lets 127.0.0.1 through, and none of its ports does. */
export interface RouteLocalnetStep {
  readonly kind: "routeLocalnet";
  readonly link: string;
  /** The attachment's own links, which have a step each. */
  readonly but: readonly string[];
}

/** Kinds of port behind which a container or a virtual machine may be. The machine's own network is not ours to filter. */
const containerKinds: readonly (string | undefined)[] = [vethKind, "tun"];

/** The ports of a bridge; of what leads to none, itself. */
function waysIn({ link, but }: RouteLocalnetStep, kernel: Kernel): Pick<Link, "index" | "name">[] {
  const found = kernel.link("host", link);
  const bridge = found && bridgeBehind(found, kernel);
  if (bridge === undefined) return but.includes(link) ? [] : [{ index: kernel.indexOf("host", link), name: link }];
  const ports = listLinks(kernel.route("host"), { master: bridge });
  return ports.filter(
    ({ name = "", master, info }) => master === bridge && containerKinds.includes(info?.kind) && !but.includes(name),
  );
}

/** The gateway of a VLAN is a veth whose other end is a port, or a link on top of the bridge. */
function bridgeBehind({ index, info, peerIndex, peerNetnsId }: Link, kernel: Kernel): number | undefined {
  if (info?.kind === bridgeKind) return index;
  const below = peerIndex && peerNetnsId === undefined ? kernel.linkByIndex(peerIndex) : undefined;
  return below?.info?.kind === bridgeKind ? below.index : below?.master;
}

const settingOf = (link: string) => `net/ipv4/conf/${link}/route_localnet`;

export const routeLocalnet: Kind<RouteLocalnetStep> = {
  apply(step, kernel) {
    const { link } = step;
    // Once it is set, each ADD closes its own port.
    if (kernel.readSysctl("host", settingOf(link)) === "1" && kernel.link("host", closedLink)) return false;
    for (const port of waysIn(step, kernel)) close(port, kernel);
    kernel.writeSysctl("host", settingOf(link), "1");
    // Those that came meanwhile: an ADD that looked at the bridge before.
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
