/** The network configuration for the rest of the program: validated, with canonical keys and defaults. */

import type { PluginType } from "../pluginType.ts";
import type { Dns, Result, Route } from "../result/result.ts";
import type { Version } from "../version.ts";

/**
 * One range of host-local. `subnet` is a network address with its length. The others are addresses in it; the gateway
 * may also be an IPv6 link-local address.
 */
export interface Range {
  readonly subnet: string;
  readonly rangeStart?: string | undefined;
  readonly rangeEnd?: string | undefined;
  readonly gateway?: string | undefined;
}

/** The ranges for one address, tried in order, all of one family. */
export type RangeSet = readonly Range[];

/** `ipam` of a kind served in-process: `ns-net` (also when `ipam` is left out) and `host-local`. */
export interface StoreIpamConfig {
  readonly type: "ns-net" | "host-local";
  /**
   * The container gets one address from each set. Order: `runtimeConfig.ipRanges`, then the flat `subnet …`, then
   * `ranges`. Only type `ns-net` may have none: it then chooses a subnet.
   */
  readonly rangeSets: readonly RangeSet[];
  readonly routes: readonly Route[];
  readonly dns?: Dns | undefined;
  /** Path of a resolv.conf whose entries are handed on as `dns`. */
  readonly resolvConf?: string | undefined;
  /** `ipam.dataDir`: where the reference's host-local keeps its reservations. Ours are in the network's `dataDir`. */
  readonly hostLocalDir?: string | undefined;
}

export interface StaticIpamConfig {
  readonly type: "static";
  /** `address` is CIDR. */
  readonly addresses: readonly { readonly address: string; readonly gateway?: string | undefined }[];
  readonly routes: readonly Route[];
  readonly dns?: Dns | undefined;
}

/** Any other `ipam.type`: an executable of that name in CNI_PATH, which gets the whole configuration unchanged. */
export interface DelegateIpamConfig {
  readonly type: "delegate";
  readonly plugin: string;
}

/** `ipam: {}`: a port on the bridge without addresses (pure layer 2). */
export interface NoIpamConfig {
  readonly type: "none";
}

export type IpamConfig = StoreIpamConfig | StaticIpamConfig | DelegateIpamConfig | NoIpamConfig;

export interface VlanRange {
  readonly minID: number;
  readonly maxID: number;
}

export type Protocol = "tcp" | "udp" | "sctp";

/** A port of the host that leads to a port of the container, or several in a row. */
export interface PortMapping {
  readonly protocol: Protocol;
  readonly hostPort: number;
  readonly containerPort: number;
  /** The number of ports; absent: one. */
  readonly count?: number | undefined;
  /** Canonical; absent: every address of the host, of either family. */
  readonly hostIp?: string | undefined;
}

export interface Limit {
  /** bit/s. */
  readonly rate: number;
  /** Bits. */
  readonly burst: number;
}

/** Directions as the container sees them. */
export interface Bandwidth {
  readonly ingress?: Limit;
  readonly egress?: Limit;
}

/**
 * Which containers of the host may open connections to a container: those of the same bridge, or none that is on a
 * bridge.
 */
export type IngressPolicy = "same-bridge" | "isolated";

/** A condition that a packet to a published port must meet. */
export interface Condition {
  readonly field: "source" | "destination" | "interface";
  readonly isNot: boolean;
  /** CIDR, or the name of the interface that receives the packet. */
  readonly value: string;
  /** Further values, one of which is enough. Absent with `isNot`. */
  readonly or?: readonly string[] | undefined;
}

/** firewalld's zone for trusted networks. */
export const defaultZone = "trusted";

/** Keys of the reference's chained plugins. */
export interface ChainKeys {
  readonly portMappings: readonly PortMapping[];
  /** Conditions for packets to published ports, by family. */
  readonly conditions: { readonly [Family in 4 | 6]: readonly Condition[] };
  readonly snat: boolean;
  /** Masquerade every connection through a published port. */
  readonly masqAll: boolean;
  readonly bandwidth?: Bandwidth | undefined;
  readonly adminChain?: string | undefined;
  /**
   * How a container's packets are let through; absent: by firewalld if it runs, else by rules of ns-net in the tables
   * of iptables.
   */
  readonly backend?: "iptables" | "firewalld" | undefined;
  /** The zone of firewalld. */
  readonly zone: string;
  /** Absent: all containers may ("open"). */
  readonly ingressPolicy?: IngressPolicy | undefined;
  /** Values by path below /proc/sys. IFNAME in a path is replaced by the name of the container's interface. */
  readonly sysctl: Readonly<Record<string, string>>;
  /** Properties of the container's interface. */
  readonly tunables: Tunables;
  /** Those in `args.cni`, which go before the others. */
  readonly askedTunables: Tunables;
}

/**
 * Properties of an interface that the chained plugin `tuning` changes and restores. Absent keys differ from undefined
 * ones: two sets are merged key by key.
 */
export interface Tunables {
  readonly mac?: string;
  readonly mtu?: number;
  readonly promisc?: boolean;
  readonly allmulti?: boolean;
  /** Packets. */
  readonly txQLen?: number;
}

export const deviceKeys = ["deviceID", "device", "hwaddr", "kernelpath", "pciBusID"] as const;

/**
 * Keys of the reference's plugins that create or take an interface other than a veth, or choose an interface for
 * packets.
 */
export interface InterfaceKeys {
  readonly master?: string | undefined;
  /** A mode of the plugin's type. */
  readonly mode?: string | undefined;
  readonly linkInContainer: boolean;
  /** Packets. */
  readonly bcqueuelen?: number | undefined;
  readonly vlanId: number;
  /** The key by which the host's device was chosen, and its value. */
  readonly device?: { readonly key: (typeof deviceKeys)[number]; readonly value: string } | undefined;
  readonly multiQueue: boolean;
  readonly owner?: number | undefined;
  readonly group?: number | undefined;
  readonly selinuxContext?: string | undefined;
  /** The bridge in the container. */
  readonly bridge?: string | undefined;
  readonly table?: number | undefined;
  readonly gateways: readonly string[];
  readonly addSourceHints: boolean;
  readonly vrfName?: string | undefined;
}

export interface NetworkConfig {
  readonly cniVersion: Version;
  readonly name: string;
  readonly type: PluginType;
  readonly bridge: string;
  readonly isGateway: boolean;
  readonly isDefaultGateway: boolean;
  readonly forceAddress: boolean;
  /** For IPv4. */
  readonly ipMasq: boolean;
  readonly ip6Masq: boolean;
  /** Bytes; absent: the MTU of the default-route interface. */
  readonly mtu?: number | undefined;
  readonly hairpinMode: boolean;
  readonly promiscMode: boolean;
  readonly portIsolation: boolean;
  readonly macspoofchk: boolean;
  readonly enabledad: boolean;
  readonly disableContainerInterface: boolean;
  readonly vlan?: number | undefined;
  readonly vlanTrunk: readonly VlanRange[];
  readonly preserveDefaultVlan: boolean;
  /** Folder of the store, absolute. */
  readonly dataDir: string;
  readonly ipam: IpamConfig;
  /** The network's keys; those of `runtimeConfig.dns` go before. */
  readonly dns?: Dns | undefined;
  /** Further names of the container. `ls` shows them; ns-net serves no DNS. */
  readonly aliases?: readonly string[] | undefined;
  /**
   * Six bytes in lower case with colons. runtimeConfig.mac goes before args.cni.mac, and that before MAC in CNI_ARGS.
   */
  readonly mac?: string | undefined;
  /** Addresses in runtimeConfig.ips, args.cni.ips or IP of CNI_ARGS, each with or without a prefix length. */
  readonly requestedAddresses: readonly string[];
  /** Absent: the configuration has no such key. */
  readonly features?: ChainKeys | undefined;
  /** Only for types that have such keys. */
  readonly link?: InterfaceKeys | undefined;
  /** In the shape of the newest version, whatever version it was sent in. */
  readonly prevResult?: Result | undefined;
}
