/** What ADD must know of the kernel before it plans. Reads only; a handful of requests, none of which lists all of anything. */

import type { Attachment } from "../../conf/attachment.ts";
import type { NetworkConfig } from "../../conf/config/config.ts";
import { familiesOf } from "../../conf/config/ipam.ts";
import { type Cidr, formatCidr, parseAddress } from "../../ip/address.ts";
import type { Kernel, Where } from "../../kernel/kernel.ts";
import { addressBytes, addressFromBytes, closedLink, isOurGroup, isOurPortName } from "../../kernel/ownership.ts";
import { hasOtherPort } from "../../netlink/route/bridgePorts.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { type Link, linkFlag } from "../../netlink/route/link.ts";
import { listRoutes, lookUpRoute, mainTable } from "../../netlink/route/route.ts";
import type { VlanFacts } from "../../plan/vlan.ts";
import defer * as vlans from "../../plan/vlan.ts";
import defer * as raRouters from "../../step/address/raRouters.ts";
import defer * as portsInUse from "../preflight/portsInUse.ts";
import defer * as sysctlAllowList from "../preflight/sysctlAllowList.ts";
import defer * as lowerLink from "./lowerLink.ts";

export interface BridgeFacts {
  /** Link kind as the kernel calls it; undefined for a physical device. */
  readonly kind: string | undefined;
  readonly mac: string | undefined;
  readonly mtu: number;
  readonly group: number;
  /** It takes for routers who announces itself as one, and no route of the host came by it so. */
  readonly acceptsRa: boolean;
  /** Other people's machines may be on it: somebody else made it, or gave it a port. Looked at only for IPv4 networks. */
  readonly isShared: boolean;
  /** It lets 127.0.0.1 through for published ports, so its ports must not (step/closed.ts). */
  readonly letsLoopbackThrough: boolean;
  /** CIDR; read only when a gateway address is to be put there. */
  readonly addresses: readonly Cidr[];
}

export interface Facts {
  /** Undefined when it is to be made. */
  readonly bridge: BridgeFacts | undefined;
  /** Absent: the configuration says nothing of VLANs. */
  readonly vlan?: VlanFacts;
  /** Bytes: the MTU of the interface the default route leaves by, or Ethernet's. */
  readonly uplinkMtu: number;
  /** True when the container has an interface of the name that was asked for. */
  readonly isIfnameTaken: boolean;
  /** For types whose interface is on top of another one, or was another one. */
  readonly below?: Below;
}

export interface Below {
  /** As the configuration names it, or as it was found; undefined when none was named and none was found. */
  readonly name: string | undefined;
  readonly where: Where;
  /** Undefined when it is not there. */
  readonly link: Link | undefined;
  /** The driver that hands the device to a program, so that it has no interface (DPDK). */
  readonly userSpaceDriver?: string;
  /** Where it is instead, in words. */
  readonly elsewhere?: string;
}

export const ethernetMtu = 1500;

/** Documentation addresses (RFC 5737, RFC 3849): nobody routes to them, so the way there is the default route. */
const somewhereElse = ["192.0.2.1", "2001:db8::1"];

export function readFacts(config: NetworkConfig, attachment: Attachment, kernel: Kernel): Facts {
  const { ifname } = attachment;
  if (config.link) return lowerLink.readInside(config, ifname, kernel);
  const bridge = config.type === "ptp" ? undefined : kernel.link("host", config.bridge);
  const { portMappings } = config.features ?? {};
  if (portMappings?.length) {
    const asked = { mappings: portMappings, attachment, families: familiesOf(config.ipam) };
    portsInUse.refuseTaken(asked, kernel);
  }
  if (config.features) sysctlAllowList.refuseForbidden(config.features);
  const vlan = config.vlan || config.vlanTrunk.length > 0 ? vlans.vlanFacts(bridge, config, kernel) : undefined;
  return {
    bridge: bridge && bridgeFacts(bridge, config, kernel, vlan?.gatewayLink ?? config.bridge),
    ...(vlan && { vlan }),
    uplinkMtu: config.mtu ?? defaultMtu(config, kernel),
    isIfnameTaken: kernel.link("pod", ifname) !== undefined,
  };
}

function bridgeFacts(link: Link, config: NetworkConfig, kernel: Kernel, gatewayLink: string): BridgeFacts {
  return {
    kind: link.info?.kind,
    mac: link.address,
    mtu: link.mtu ?? ethernetMtu,
    group: link.group ?? 0,
    isShared: isShared(link, config, kernel),
    acceptsRa: (link.families?.inet6?.acceptRa ?? 0) !== 0 && !hasRouters(link, kernel),
    letsLoopbackThrough: letsLoopbackThrough(
      gatewayLink === config.bridge ? link : kernel.link("host", gatewayLink),
      kernel,
    ),
    addresses: config.isGateway && kernel.link("host", gatewayLink) ? kernel.addresses("host", gatewayLink) : [],
  };
}

/** The bridge of a LAN by which the host itself found its way out. */
function hasRouters({ group = 0, name = "" }: Link, kernel: Kernel): boolean {
  if (isOurGroup(group)) return false;
  return raRouters.linksByRa(kernel).includes(name);
}

function isShared({ group = 0, info }: Link, { bridge, ipam }: NetworkConfig, kernel: Kernel): boolean {
  if (!isOurGroup(group) || info?.kind !== bridgeKind) return true;
  if (ipam.type === "none") return false;
  if (ipam.type !== "delegate") for (const family of familiesOf(ipam)) if (family === 6) return false;
  return hasOtherPort(kernel.route("host"), bridge, isOurPortName);
}

/** Where ns-net made it so, the link to which packets are led is there, too; for others' settings others answer. */
function letsLoopbackThrough(link: Link | undefined, kernel: Kernel): boolean {
  return link?.families?.inet?.routeLocalnet === 1 && kernel.link("host", closedLink) !== undefined;
}

/** The reference's plugins give what the kernel gives a veth; but a container that sends more than the uplink takes is cut off. */
function defaultMtu({ type }: NetworkConfig, kernel: Kernel): number {
  const uplink = uplinkMtu(kernel);
  return type === "ns-net" ? uplink : Math.min(uplink, ethernetMtu);
}

function uplinkMtu(kernel: Kernel): number {
  return uplink(kernel)?.mtu ?? ethernetMtu;
}

/** The interface that the default route leaves by. */
export function uplink(kernel: Kernel, where: Where = "host"): Link | undefined {
  for (const text of somewhereElse) {
    const outIndex = lookUpRoute(kernel.route(where), addressBytes(parseAddress(text)!))?.outIndex;
    const link = outIndex === undefined ? undefined : kernel.linkByIndex(outIndex, where);
    if (link?.mtu !== undefined && !(link.flags & linkFlag.loopback)) return link;
  }
  return undefined;
}

/** The destinations of the host's routes, CIDR, default routes left out: what a subnet chosen for a network must not overlap. */
export function hostNetworks(kernel: Kernel): string[] {
  return [2, 10].flatMap((family) =>
    listRoutes(kernel.route("host"), family, { table: mainTable })
      .filter((route) => route.destination && route.dstLength > 0)
      .map((route) => formatCidr({ ...addressFromBytes(route.destination!), prefixLength: route.dstLength })),
  );
}
