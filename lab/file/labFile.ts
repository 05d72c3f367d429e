/** A lab file as values: every short form in its long form, each value with its place, nothing resolved yet. */
import type { Address, Cidr } from "../../ip/address.ts";
import type { Located, Place } from "./mistakes.ts";

export interface LabFile {
  readonly name?: Located<string> | undefined;
  /** Empty: the lab has one host, which has no name of its own. */
  readonly hosts: readonly HostEntry[];
  readonly across?: Located<WayAcross> | undefined;
  readonly networks: readonly NetworkEntry[];
  /** Pods and routers. */
  readonly pods: readonly PodEntry[];
  readonly links: readonly LinkEntry[];
  readonly impairs: readonly ImpairEntry[];
  readonly outside: "simulated" | "none";
  readonly tests: readonly TestEntry[];
}

/** How packets cross the underlay between hosts: in UDP, or by routes. */
export const waysAcross = ["vxlan", "routes"] as const;
export type WayAcross = (typeof waysAcross)[number];

/** A namespace that acts as a machine. */
export interface HostEntry {
  readonly name: Located<string>;
  /** On the underlay. */
  readonly address: Located<Address>;
  /** The MTU of its interface on the underlay. */
  readonly mtu?: number | undefined;
}

export const isolations = ["none", "networks", "pods"] as const;

export interface NetworkEntry {
  readonly name: Located<string>;
  readonly subnets: readonly Located<Cidr>[];
  readonly gateway: boolean;
  readonly masquerade: boolean;
  readonly internal: boolean;
  readonly isolate: (typeof isolations)[number];
  readonly mtu?: Located<number> | undefined;
  /** Further keys of a network configuration of type ns-net. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface PodEntry {
  readonly name: Located<string>;
  /** A router: it forwards packets. */
  readonly forwards: boolean;
  /** The host that it runs on; absent: the first. */
  readonly host?: Located<string> | undefined;
  readonly networks: readonly JoinedNetwork[];
  readonly serve: readonly Server[];
  readonly publish: readonly Published[];
  readonly hostname?: Located<string> | undefined;
  readonly sysctls: readonly Setting[];
  readonly routes: readonly PodRoute[];
  readonly run?: Located<string> | undefined;
  readonly env: readonly Setting[];
  /** The pod whose network and UTS namespaces this one shares. */
  readonly joins?: Located<string> | undefined;
  /** Whether a DNS server runs in the pod. */
  readonly dns: boolean;
  /** The place of each key, for a mistake that concerns the key as a whole. */
  readonly keys: Readonly<Record<string, Place>>;
}

/** A link point to point, without a bridge. */
export interface LinkEntry {
  readonly at: Place;
  readonly ends: readonly [LinkEnd, LinkEnd];
  readonly mtu?: number | undefined;
}

export interface LinkEnd {
  readonly pod: Located<string>;
  readonly addresses: readonly Located<Cidr>[];
  /** The interface; absent: named after the pod at the other end. */
  readonly name?: Located<string> | undefined;
}

/** From the pod's point of view: what it receives, what it sends. */
export const impairDirections = ["in", "out", "both"] as const;

/** Absent: as it is. */
export interface Impairing {
  /** Bits per second. */
  readonly rate?: number;
  /** Milliseconds. */
  readonly delay?: number;
  readonly jitter?: number;
  /** Shares of the packets, from 0 to 1. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  readonly corrupt?: number;
  readonly down?: boolean;
}

export interface ImpairEntry {
  /** `web`, `web@front` or `r1@r2`. */
  readonly at: Located<string>;
  readonly direction: (typeof impairDirections)[number];
  readonly values: Impairing;
  /** The place of each key. */
  readonly places: Readonly<Record<string, Place>>;
}

export interface JoinedNetwork {
  readonly network: Located<string>;
  /** Empty: given automatically. */
  readonly addresses: readonly Located<Address>[];
}

export const serverKinds = ["http", "tcp", "udp"] as const;

export interface Server {
  readonly at: Place;
  readonly kind: (typeof serverKinds)[number];
  readonly port: number;
}

export interface Published {
  readonly at: Place;
  readonly protocol: "tcp" | "udp";
  /** Absent: every address of the lab's host. */
  readonly hostAddress?: Address | undefined;
  readonly hostPort: number;
  readonly podPort: number;
}

export interface Setting {
  readonly key: Located<string>;
  readonly value: string;
}

export interface PodRoute {
  readonly at: Place;
  readonly destination: Cidr | "default";
  readonly gateway: Located<Address>;
}

/** The destination of a test: a ping, a connection, an answer, a page. */
export type Destination =
  | { readonly kind: "ping"; readonly name: string }
  | { readonly kind: "tcp" | "udp"; readonly name: string; readonly port: number }
  | { readonly kind: "http"; readonly name: string; readonly port: number; readonly path: string };

export interface TestEntry {
  readonly at: Place;
  readonly title?: string | undefined;
  readonly from: Located<string>;
  readonly to: Located<Destination>;
  /** Reachable, unreachable, or a text that the page contains. */
  readonly expected: "reachable" | "unreachable" | { readonly body: string };
  readonly withinMs: number;
  /** The length of an IP packet with the don't-fragment bit, in bytes. */
  readonly mtu?: number | undefined;
}
