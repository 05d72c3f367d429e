/** A lab with everything decided: each address and each hardware address, every name known. Pure data. */
import type { Address, Cidr } from "../../ip/address.ts";
import type { ImpairEntry, Impairing, NetworkEntry, Published, Server, TestEntry, WayAcross } from "../file/labFile.ts";

export interface Lab {
  /** `[a-z0-9-]`, at most 32 characters. */
  readonly name: string;
  /** The absolute path of the file. */
  readonly file: string;
  /** At least one. */
  readonly hosts: readonly Host[];
  /** Between several hosts; undefined for a lab without `hosts`. */
  readonly underlay: Underlay | undefined;
  readonly networks: readonly Network[];
  /** Pods and routers. */
  readonly pods: readonly Pod[];
  readonly links: readonly Link[];
  readonly impairments: readonly Impairment[];
  readonly outside: Outside | undefined;
  readonly tests: readonly TestEntry[];
}

export interface Network {
  readonly name: string;
  /** The whole network; each host has a part. */
  readonly subnets: readonly Cidr[];
  /** One for each host with pods on it: a lab without `hosts` has one block, the whole network. */
  readonly blocks: readonly Block[];
  readonly masquerade: boolean;
  readonly internal: boolean;
  readonly isolate: NetworkEntry["isolate"];
  readonly mtu: number | undefined;
  readonly config: Readonly<Record<string, unknown>>;
}

/** A host's part of a network, with a bridge of its own. */
export interface Block {
  readonly host: string;
  readonly subnets: readonly Cidr[];
  /** One for each subnet; empty without a gateway. */
  readonly gateways: readonly Address[];
}

/** A namespace that acts as a machine: pods are attached to its bridges. */
export interface Host {
  readonly name: string;
  /** On the underlay, or between the only host and outside; one for each family that the lab has. Empty without both. */
  readonly addresses: readonly Cidr[];
  /** The MTU of its interface on the underlay. */
  readonly mtu: number;
}

/** The network between hosts. */
export interface Underlay {
  readonly across: WayAcross;
  /** The smallest of its hosts. */
  readonly mtu: number;
  /** The largest packet of a pod that crosses it. */
  readonly podMtu: number;
}

/** A link point to point between two pods. */
export interface Link {
  readonly ends: readonly [LinkEnd, LinkEnd];
  readonly mtu: number;
}

export interface Impairment {
  /** As written: `web`, `web@front`, `r1@r2`. */
  readonly at: string;
  /** Its place in the file. */
  readonly place: { readonly line: number; readonly column: number };
  readonly targets: readonly { readonly pod: string; readonly ifname: string }[];
  readonly direction: ImpairEntry["direction"];
  readonly values: Impairing;
}

export interface LinkEnd {
  readonly pod: string;
  /** The interface. */
  readonly name: string;
  readonly addresses: readonly Cidr[];
}

export interface Pod {
  readonly name: string;
  /** A router: it forwards packets. */
  readonly forwards: boolean;
  /** The host that it runs on. */
  readonly host: string;
  readonly interfaces: readonly Interface[];
  readonly serve: readonly Pick<Server, "kind" | "port">[];
  readonly publish: readonly Omit<Published, "at">[];
  readonly hostname: string;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly routes: readonly { readonly destination: Cidr | "default"; readonly gateway: Address }[];
  readonly run: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly joins: string | undefined;
  readonly dns: boolean;
}

export interface Interface {
  /** eth0, eth1 … in the order of the file. */
  readonly name: string;
  readonly network: string;
  /** With the prefix length of its host's block; a full one for an address that the file gives outside of the block. */
  readonly addresses: readonly Cidr[];
}

/** The simulated outside world: its address in each family, on the same subnet as those of the hosts. */
export interface Outside {
  readonly addresses: readonly Cidr[];
}
