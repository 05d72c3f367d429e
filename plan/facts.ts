/** Facts about the kernel that planning needs. plugin/attach/facts/ reads them first, so planning is pure. */

import type { Tunables } from "../conf/config/config.ts";
import type { Cidr } from "../ip/address.ts";
import type { Where } from "../kernel/kernel.ts";
import type { Link } from "../netlink/route/link.ts";
import type { RouteStep } from "../step/address/route.ts";

export interface BridgeFacts {
  /** Link kind as the kernel calls it; undefined for a physical device. */
  readonly kind: string | undefined;
  readonly mac: string | undefined;
  readonly mtu: number;
  readonly group: number;
  /** The bridge accepts router advertisements, and no route of the host came from one. */
  readonly acceptsRa: boolean;
  /** Other machines may be on it: ns-net did not create it, or it has a port of another program. Read only for IPv4 networks. */
  readonly isShared: boolean;
  /** It has route_localnet for published ports, so its ports must drop 127.0.0.0/8 (step/link/closedLoopback.ts). */
  readonly letsLoopbackThrough: boolean;
  /** False if the reference's bandwidth may come later in the chain: it refuses a link that has filters. */
  readonly mayFilter: boolean;
  /** Read only if the bridge is to have a gateway address. */
  readonly addresses: readonly Cidr[];
}

export interface Facts {
  /** Undefined if it does not exist. */
  readonly bridge: BridgeFacts | undefined;
  /** Absent if the configuration has no VLANs. */
  readonly vlan?: VlanFacts | undefined;
  /** Bytes: the MTU that the interface gets, from the configuration, else of the uplink, else Ethernet's. */
  readonly interfaceMtu: number;
  /** The container has an interface of the requested name. */
  readonly isIfnameTaken: boolean;
  /** For types whose interface is on top of another one, or is a lent device. */
  readonly lower?: LowerLink | undefined;
}

export interface LowerLink {
  /** As configured, else as found; undefined if neither. */
  readonly name: string | undefined;
  readonly where: Where;
  /** Undefined if it does not exist. */
  readonly link: Link | undefined;
  /** The driver that hands the device to a program, so that it has no interface (DPDK). */
  readonly userSpaceDriver?: string;
  /** Says where it is instead, for the message of a Fault. */
  readonly elsewhere?: string | undefined;
}

export interface VlanFacts {
  /** The link that has the gateway's address instead of the bridge; absent without a gateway. */
  readonly gatewayLink?: string | undefined;
  /** The VLAN of a new port of the bridge. */
  readonly defaultVlan: number;
  /** Links that would be disconnected if the bridge began to filter VLANs; empty if it filters already. */
  readonly unready: readonly string[];
}

/** Facts of each chained type. */
export interface ChainedFacts {
  readonly bandwidth: BandwidthFacts;
  readonly firewall: FirewallFacts;
  readonly hostPort: HostPortFacts;
  readonly loopback: LoopbackFacts;
  readonly portmap: PortmapFacts;
  readonly sbr: SbrFacts;
  readonly tuning: TuningFacts;
  readonly vrf: VrfFacts;
}

export interface BandwidthFacts {
  /** Link kind of the container's interface; undefined if there is none. */
  readonly innerKind: string | undefined;
  /** The veth's end on this host. */
  readonly host: { readonly name: string; readonly mtu: number } | undefined;
}

export interface FirewallFacts {
  /** firewalld runs, or the configuration says so: no rule of another table accepts what firewalld rejects. */
  readonly isByFirewalld: boolean;
  /** The bridge among prevResult's interfaces; read only with an ingressPolicy. */
  readonly bridge: string | undefined;
  /** The link of a VLAN's gateway: a VLAN's packets come and go by it. */
  readonly gateway: string | undefined;
  /** The bridge's ports that prevResult names. */
  readonly ports: readonly string[];
}

export interface HostPortFacts {
  /** The host's interfaces in prevResult. */
  readonly offered: readonly string[];
  /** The first of them that exists and is no bridge. */
  readonly found: { readonly name: string; readonly master: string | undefined } | undefined;
  readonly bridge: Facts;
}

export interface LoopbackFacts {
  readonly hasIpv6: boolean;
  /** Addresses of lo. */
  readonly addresses: readonly Cidr[];
}

export interface PortmapFacts {
  /** The host's interface towards the container. */
  readonly through: string | undefined;
  /** The host's ends of the container's links. */
  readonly ownLinks: readonly string[];
  /** See BridgeFacts. */
  readonly mayFilter: boolean;
}

export interface SbrFacts {
  /** Routes of the container's main table by the interface. */
  readonly routes: readonly RouteStep[];
  /** Tables that a rule leads to, or that a route is in. */
  readonly takenTables: ReadonlySet<number | undefined>;
}

export interface TuningFacts {
  /** Values before, by path below /proc/sys. */
  readonly sysctls: Readonly<Record<string, string | undefined>>;
  /** Properties of the interface before; undefined if it does not exist, or if none is asked for. */
  readonly tunables: Tunables | undefined;
}

export interface VrfFacts {
  /** The interface exists. */
  readonly isPresent: boolean;
  /** The link that it is a port of. */
  readonly master: string | undefined;
  /** The container's link with the VRF's name; `table` is undefined if it is no VRF. */
  readonly named: { readonly kind: string; readonly table: number | undefined } | undefined;
  /** Tables of the container's VRFs; read only if neither the VRF nor the configuration has one. */
  readonly takenTables: ReadonlySet<number | undefined>;
  /** Addresses of the interface. */
  readonly addresses: readonly Cidr[];
  readonly routes: readonly RouteStep[];
}
