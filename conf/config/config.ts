/** The network configuration as the rest of the program sees it: validated, canonical key spelling, defaults filled in. */

import type { PluginType } from "../pluginType.ts";
import type { Dns, Result, Route } from "../result/result.ts";
import type { Version } from "../version.ts";

/** One range of host-local. `subnet` is a network address with its length; the others are addresses within it, or the gateway an IPv6 link-local one. */
export interface Range {
  readonly subnet: string;
  readonly rangeStart?: string | undefined;
  readonly rangeEnd?: string | undefined;
  readonly gateway?: string | undefined;
}

/** Ranges tried in order for one address; all of one family. */
export type RangeSet = readonly Range[];

/** `ipam` of a kind served in-process: `ns-net` (also when `ipam` is left out) and `host-local`. */
export interface StoreIpamConfig {
  readonly type: "ns-net" | "host-local";
  /** One address per set: `runtimeConfig.ipRanges` first, then the flat `subnet …`, then `ranges`. Empty only for `ns-net`, which then chooses a subnet. */
  readonly rangeSets: readonly RangeSet[];
  readonly routes: readonly Route[];
  readonly dns?: Dns | undefined;
  /** Path of a resolv.conf whose entries become `dns`. */
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

/** Any other `ipam.type`: an executable of that name in CNI_PATH, given the whole configuration untouched. */
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

/** A port of the host that leads to one of the container, or as many in a row. */
export interface PortMapping {
  readonly protocol: Protocol;
  readonly hostPort: number;
  readonly containerPort: number;
  /** Absent: one. */
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

/** Seen from the container. */
export interface Bandwidth {
  readonly ingress?: Limit;
  readonly egress?: Limit;
}

/** Who may open connections to a container: its neighbours on the bridge, or nobody of a bridge. */
export type IngressPolicy = "same-bridge" | "isolated";

/** What must hold of a packet to a published port. */
export interface Condition {
  readonly field: "source" | "destination" | "interface";
  readonly isNot: boolean;
  /** CIDR, or the name of the interface that it comes in by. */
  readonly value: string;
  /** Further ones, of which it may fit any instead; not where `isNot`. */
  readonly or?: readonly string[] | undefined;
}

/** firewalld's zone for what is trusted. */
export const defaultZone = "trusted";

/** What the reference's plugins beside the bridge are told. */
export interface ChainKeys {
  readonly portMappings: readonly PortMapping[];
  /** Of the packets to published ports, by family. */
  readonly conditions: { readonly [Family in 4 | 6]: readonly Condition[] };
  readonly snat: boolean;
  /** Whatever comes through a published port is masqueraded. */
  readonly masqAll: boolean;
  readonly bandwidth?: Bandwidth | undefined;
  readonly adminChain?: string | undefined;
  /** Who lets a container's packets through; absent: firewalld where it runs, else ns-net in the tables of iptables. */
  readonly backend?: "iptables" | "firewalld" | undefined;
  /** Of firewalld. */
  readonly zone: string;
  /** Absent: everybody ("open"). */
  readonly ingressPolicy?: IngressPolicy | undefined;
  /** By path below /proc/sys; IFNAME in it stands for the container's interface. */
  readonly sysctl: Readonly<Record<string, string>>;
  /** Of the container's interface. */
  readonly tunables: Tunables;
  /** Those that `args.cni` asks for, which go before all others. */
  readonly askedTunables: Tunables;
}

/** Properties of an interface that a plugin after the one that made it changes, and puts back. */
export interface Tunables {
  readonly mac?: string;
  readonly mtu?: number;
  readonly promisc?: boolean;
  readonly allmulti?: boolean;
  /** Packets. */
  readonly txQLen?: number;
}

export const deviceKeys = ["deviceID", "device", "hwaddr", "kernelpath", "pciBusID"] as const;

/** What the reference's plugins are told that make or take an interface other than a veth, or say by which to send. */
export interface InterfaceKeys {
  readonly master?: string | undefined;
  /** One that the type has. */
  readonly mode?: string | undefined;
  readonly linkInContainer: boolean;
  /** Packets. */
  readonly bcqueuelen?: number | undefined;
  readonly vlanId: number;
  /** By which key the host's device was chosen. */
  readonly device?: { readonly key: (typeof deviceKeys)[number]; readonly value: string } | undefined;
  readonly multiQueue: boolean;
  readonly owner?: number | undefined;
  readonly group?: number | undefined;
  readonly selinuxContext?: string | undefined;
  /** Of the container. */
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
  /** Of IPv4. */
  readonly ipMasq: boolean;
  readonly ip6Masq: boolean;
  /** Bytes; absent: that of the default-route interface. */
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
  /** The network's, and before it what the runtime asks for in `runtimeConfig.dns`. */
  readonly dns?: Dns | undefined;
  /** Further names of the container, kept for whoever looks: ns-net serves no DNS. */
  readonly aliases?: readonly string[] | undefined;
  /** Lower case, colons. runtimeConfig.mac before args.cni.mac before CNI_ARGS MAC. */
  readonly mac?: string | undefined;
  /** Addresses asked for by runtimeConfig.ips, args.cni.ips or CNI_ARGS IP, each with or without a prefix length. */
  readonly requestedAddresses: readonly string[];
  /** Absent: the configuration has nothing of the kind. */
  readonly features?: ChainKeys | undefined;
  /** Only for types that have such keys. */
  readonly link?: InterfaceKeys | undefined;
  /** In the newest version's shape, whatever version it came in. */
  readonly prevResult?: Result | undefined;
}
