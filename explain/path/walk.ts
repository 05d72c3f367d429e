/**
 * A walk: one packet on its way, and the account of it. A packet is always at one of a few moments; the file of each
 * moment answers the next one.
 */
import type { Choices } from "../rules/choices.ts";
import type { Connection } from "../rules/connection.ts";
import type { Packet } from "../rules/packet.ts";
import type { Site, SiteLink } from "./site/site.ts";
import type { Question, World } from "./world.ts";

export interface Hop {
  /** `host`, or `namespace NAME`. */
  readonly where: string;
  /** `route`, `neighbour`, `veth`, `bridge`, `rules`, `translation`, `listener` … */
  readonly what: string;
  readonly says: string;
  readonly verdict: "pass" | "rewrite" | "drop" | "unknown";
  /** The answer's way. */
  readonly isBack: boolean;
  readonly crossing?: Crossing | undefined;
}

/** A link whose other end is in another namespace. */
export interface Crossing {
  /** The end by which the packet leaves `where` of the hop, and the one by which it comes in. */
  readonly from: string;
  readonly to: string;
  /** The namespace that it comes to. */
  readonly into: string;
}

/** Where the packet is. */
export type Moment =
  /** A socket of the site sends it. */
  | { readonly at: "send"; readonly site: Site; readonly packet: Packet }
  /** It leaves by a link towards a neighbour. */
  | {
      readonly at: "transmit";
      readonly site: Site;
      readonly link: SiteLink;
      readonly packet: Packet;
      /** 4 or 16 bytes; absent for a frame that has its addresses. */
      readonly nextHop: Uint8Array | undefined;
      /** The link is a bridge's port: the frame goes out of it as it is. */
      readonly isBridged?: boolean;
    }
  /** A frame arrives at a link. */
  | { readonly at: "arrive"; readonly site: Site; readonly link: SiteLink; readonly packet: Packet }
  /** A packet of IP comes up from a link. `wasFiltered`: br_netfilter has shown it to the hook prerouting. */
  | {
      readonly at: "receive";
      readonly site: Site;
      readonly link: SiteLink;
      readonly packet: Packet;
      readonly wasFiltered?: boolean;
    }
  | { readonly at: "delivered"; readonly site: Site; readonly packet: Packet }
  /** It left the machine. */
  | { readonly at: "outside"; readonly site: Site; readonly link: SiteLink; readonly packet: Packet };

/** Where the packet of a question begins: its sender sends it, or it comes from outside this machine. */
export type Beginning = Extract<Moment, { at: "send" | "receive" }>;

export type End = Extract<Moment, { at: "delivered" | "outside" | "receive" }>;

/** A packet as it entered a namespace, or began there. */
export interface Passed {
  readonly site: Site;
  readonly packet: Packet;
  readonly isBack: boolean;
}

export interface Walk {
  readonly world: World;
  readonly question: Question;
  readonly choices: Choices;
  readonly hops: Hop[];
  /** The connection, as each namespace tracks it. */
  readonly connections: Map<Site, Connection>;
  readonly untracked: Set<Site>;
  readonly added: Set<string>;
  /** The sides as far as they are namespaces. For a packet that comes from outside this machine, the sender is the host. */
  readonly sender: Site;
  readonly receiver: Site | undefined;
  isBack: boolean;
  /** The link that has the hardware address to which the frame goes. */
  target: { readonly site: Site; readonly link: SiteLink } | undefined;
  /** Set while ARP or neighbour discovery is followed. */
  isResolving: boolean;
  /** The size of the largest packet that no router reported as too big, in bytes. */
  fullBytes: number;
  note(where: string, what: string, says: string, verdict?: Hop["verdict"], crossing?: Crossing): void;
  /** Follows a packet until it is delivered or outside. Throws Blocked or Undecided. */
  follow(moment: Moment): End;
}
