/** A lab with everything decided: each address and each hardware address, every name known. Pure data. */
import type { Address, Cidr } from "../../ip/address.ts";
import type { ImpairEntry, Impairing, NetworkEntry, Published, Server, TestEntry } from "../file/labFile.ts";

export interface Lab {
  /** `[a-z0-9-]`, at most 32 characters. */
  readonly name: string;
  /** The absolute path of the file. */
  readonly file: string;
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
  readonly subnets: readonly Cidr[];
  /** One for each subnet; empty without a gateway. */
  readonly gateways: readonly Address[];
  readonly masquerade: boolean;
  readonly internal: boolean;
  readonly isolate: NetworkEntry["isolate"];
  readonly mtu: number | undefined;
  readonly config: Readonly<Record<string, unknown>>;
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
  readonly addresses: readonly Cidr[];
}

/** The simulated outside world: its own address and that of the lab's host on the same subnet, for each family. */
export interface Outside {
  readonly addresses: readonly Cidr[];
  readonly hostAddresses: readonly Cidr[];
}
