/** One packet at one hook: what rules may read, and what they change. */
import type { Choices } from "./choices.ts";
import type { Connection } from "./connection.ts";
import type { Device, Packet } from "./packet.ts";

/** The answers of routing tables and addresses that rules ask for. `undefined` means that it is not known. */
export interface Surroundings {
  /** RTN_* of an address (1 unicast, 2 local, 3 broadcast, 5 multicast, 7 unreachable); with `link` as that link sees it. */
  addressType(address: Uint8Array, link?: Device): number | undefined;
  /** The link that packets to this address leave by; null where there is no route. */
  linkTo(question: FibQuestion): Device | null | undefined;
  /** The address that masquerade uses on a link for packets to `destination`, or redirect for those that came by it. */
  ownAddress(link: Device, destination: Uint8Array): Uint8Array | undefined;
}

export interface FibQuestion {
  readonly address: Uint8Array;
  readonly mark: number;
  readonly input: Device | undefined;
  readonly output: Device | undefined;
}

/** The ports of a bridge that a frame came by and leaves by, where br_netfilter hands frames to the rules for IP. */
export interface BridgePorts {
  readonly input: Device | undefined;
  readonly output: Device | undefined;
}

export interface Passage {
  /** NFPROTO_* of the hook: 2 IPv4, 10 IPv6, 7 bridge, 5 netdev. */
  readonly family: number;
  readonly hook: number;
  readonly input: Device | undefined;
  readonly output: Device | undefined;
  readonly ports: BridgePorts | undefined;
  /** True if a socket of this namespace sends the packet: rules may ask for its owner. */
  readonly isLocal: boolean;
  packet: Packet;
  /** Undefined before connection tracking saw the packet, and for one that it does not track. */
  connection: Connection | undefined;
  isUntracked: boolean;
  readonly surroundings: Surroundings;
  readonly choices: Choices;
  readonly trail: TrailEntry[];
  /** The wish of a `nat` rule, until the hook does it. */
  translation: Translation | undefined;
  /** Elements that rules added to sets on the way, by set and bytes in hexadecimal. */
  readonly added: Set<string>;
}

export interface Translation {
  readonly side: "source" | "destination";
  /** Absent: the address stays. */
  readonly address: Uint8Array | undefined;
  /** The ports that are allowed; absent: the port stays. */
  readonly ports: readonly [first: number, last: number] | undefined;
}

/** Where a rule is. */
export interface Place {
  readonly family: number;
  readonly table: string;
  readonly chain: string;
  /** Absent: the end of a chain, its policy. */
  readonly handle: bigint | undefined;
}

/** A rule that matched, or the policy at the end of a base chain. */
export interface TrailEntry extends Place {
  /** `accept`, `drop`, `jump web`, `goto web`, `return`, `continue`. */
  readonly verdict: string;
  readonly kind: "rule" | "policy";
  readonly comment: string | undefined;
}
