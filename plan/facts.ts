/** What a plan must know of the kernel: read before by plugin/attach/, so that planning is pure. */

import type { Cidr } from "../ip/address.ts";
import type { Where } from "../kernel/kernel.ts";
import type { Link } from "../netlink/route/link.ts";

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
  /** It lets 127.0.0.1 through for published ports, so its ports must not (step/link/closedLoopback.ts). */
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
  readonly below?: LowerLink;
}

export interface LowerLink {
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

export interface VlanFacts {
  /** Has the gateway's address instead of the bridge; absent where no gateway is wanted. */
  readonly gatewayLink?: string;
  /** The VLAN that a new port of the bridge is in. */
  readonly defaultVlan: number;
  /** Links that would be cut off if the bridge began to look at VLANs: none, where it does already. */
  readonly unready: readonly string[];
}
