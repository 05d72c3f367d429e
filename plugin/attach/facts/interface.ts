/** Facts for an interface plugin. Reads with a handful of requests, none of which lists all of anything. */

import type { NetworkConfig } from "../../../conf/config/config.ts";
import { familiesOf } from "../../../conf/config/ipam.ts";
import { ownType } from "../../../conf/pluginType.ts";
import type { Request } from "../../../conf/request.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import { closedLink, isOurPortName } from "../../../kernel/linkNames.ts";
import { isOurGroup } from "../../../kernel/ownership.ts";
import { ethernetMtu, uplink } from "../../../kernel/routes.ts";
import { hasOtherPort } from "../../../netlink/route/bridgePorts.ts";
import { bridgeKind } from "../../../netlink/route/kind/bridge.ts";
import type { Link } from "../../../netlink/route/link.ts";
import type { BridgeFacts, Facts } from "../../../plan/facts.ts";
import defer * as raRouters from "../../../step/address/raRouters.ts";
import defer * as portsInUse from "../../preflight/portsInUse.ts";
import defer * as sysctlAllowList from "../../preflight/sysctlAllowList.ts";
import defer * as filters from "./filters.ts";
import defer * as lowerLink from "./lowerLink.ts";
import defer * as vlanFacts from "./vlan.ts";

export function interfaceFacts({ config, attachment, pluginPath }: Request, kernel: Kernel): Facts {
  const { ifname } = attachment;
  if (config.link) return lowerLink.readLowerLink(config, ifname, kernel);
  const bridge = config.type === "ptp" ? undefined : kernel.link("host", config.bridge);
  const { portMappings } = config.features ?? {};
  if (portMappings?.length) {
    const asked = { mappings: portMappings, attachment, families: familiesOf(config.ipam) };
    portsInUse.refuseTaken(asked, kernel);
  }
  if (config.features) sysctlAllowList.refuseForbidden(config.features);
  const vlan = config.vlan || config.vlanTrunk.length > 0 ? vlanFacts.vlanFacts(bridge, config, kernel) : undefined;
  return {
    bridge: bridge && bridgeFacts(bridge, config, pluginPath, kernel, vlan?.gatewayLink ?? config.bridge),
    vlan,
    interfaceMtu: config.mtu ?? defaultMtu(config, kernel),
    isIfnameTaken: kernel.link("container", ifname) !== undefined,
  };
}

function bridgeFacts(
  link: Link,
  config: NetworkConfig,
  pluginPath: readonly string[],
  kernel: Kernel,
  gatewayLink: string,
): BridgeFacts {
  const isThrough = letsLoopbackThrough(
    gatewayLink === config.bridge ? link : kernel.link("host", gatewayLink),
    kernel,
  );
  return {
    kind: link.info?.kind,
    mac: link.address,
    mtu: link.mtu ?? ethernetMtu,
    group: link.group ?? 0,
    isShared: isShared(link, config, kernel),
    acceptsRa: (link.families?.inet6?.acceptRa ?? 0) !== 0 && !hasRouters(link, kernel),
    letsLoopbackThrough: isThrough,
    mayFilter: config.type === ownType || !isThrough || !filters.mayNeedFilters(pluginPath),
    addresses: config.isGateway && kernel.link("host", gatewayLink) ? kernel.addresses("host", gatewayLink) : [],
  };
}

/** True for a bridge of a LAN that has the host's routes by router advertisement. */
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

/**
 * True if ns-net opened 127.0.0.1 on this bridge: the link that drops such packets then exists, too. A setting of
 * another program is not ns-net's to close.
 */
function letsLoopbackThrough(link: Link | undefined, kernel: Kernel): boolean {
  return link?.families?.inet?.routeLocalnet === 1 && kernel.link("host", closedLink) !== undefined;
}

/**
 * The MTU of the reference is the kernel's for a veth; but a container that sends larger packets than the uplink takes
 * has no connection.
 */
function defaultMtu({ type }: NetworkConfig, kernel: Kernel): number {
  const uplink = uplinkMtu(kernel);
  return type === "ns-net" ? uplink : Math.min(uplink, ethernetMtu);
}

function uplinkMtu(kernel: Kernel): number {
  return uplink(kernel)?.mtu ?? ethernetMtu;
}
