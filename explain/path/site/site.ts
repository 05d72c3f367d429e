/** A network namespace as the walk sees it: everything is read when it is first asked for, and only once. */
import { formatAddress } from "../../../ip/address.ts";
import { addressFromBytes } from "../../../ip/bytes.ts";
import { type KernelRuleset, readRuleset } from "../../../netlink/nft/read/ruleset.ts";
import { addressFlag, listAddresses } from "../../../netlink/route/address.ts";
import { askRoute, type RouteAnswer, type RouteQuestion } from "../../../netlink/route/ask.ts";
import { bridgeKind } from "../../../netlink/route/kind/bridge.ts";
import type { BridgePort } from "../../../netlink/route/kind/bridgePort.ts";
import { vethKind } from "../../../netlink/route/kind/veth.ts";
import { getLink, type Link, linkFlag, listLinks, portOf } from "../../../netlink/route/link.ts";
import { familyBridge, listNeighbours, type Neighbour } from "../../../netlink/route/neighbour.ts";
import { netnsIdOf } from "../../../netlink/route/netnsId.ts";
import { type NetlinkSocket, openSocketIn, protocol } from "../../../netlink/socket.ts";
import { type Listening, listeningSockets, socketDiagnosis } from "../../../netlink/sockets/listening.ts";
import { errno, tolerating } from "../../../sys/errors.ts";
import { readText } from "../../../sys/files.ts";
import { closeNetns, inNetns, type Netns } from "../../../sys/netns.ts";
import { activeLegacyTables } from "./legacy.ts";

export interface SiteAddress {
  readonly linkIndex: number;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly prefixLength: number;
  readonly isTentative: boolean;
  readonly isLinkLocal: boolean;
}

export type SiteLink = Link & { readonly name: string; readonly port: BridgePort | undefined };

export interface Across {
  /** 4 or 16 bytes each. */
  readonly addresses: readonly Uint8Array[];
  /** The other end has an address of its own, other than a link-local one. */
  readonly hasAddress: boolean;
  /** The other end is a port of a bridge. Takes a request of its own. */
  isPort(): boolean;
}

export class Site implements Disposable {
  /** `host`, or `namespace NAME`. */
  readonly where: string;
  /** For cures: `nsenter --net=PATH `, empty on the host. */
  readonly prefix: string;
  readonly netns: Netns;
  readonly route: NetlinkSocket;
  #netfilter: NetlinkSocket | undefined;
  #ruleset: KernelRuleset | undefined;
  #links: readonly SiteLink[] | undefined;
  #addresses: readonly SiteAddress[] | undefined;
  readonly #neighbours = new Map<number, readonly Neighbour[]>();
  readonly #listening = new Map<string, readonly Listening[]>();
  readonly #settings = new Map<string, string | undefined>();
  readonly #across = new Map<number, Across>();
  readonly #legacy = new Map<number, readonly string[]>();
  readonly #ids = new Map<bigint, number | undefined>();

  /** Takes the namespace, and closes it. */
  constructor(where: string, netns: Netns, isHost: boolean) {
    this.where = where;
    this.netns = netns;
    this.prefix = isHost ? "" : `nsenter --net=${netns.path} `;
    this.route = openSocketIn(netns, protocol.route);
  }

  get isHost(): boolean {
    return this.prefix === "";
  }

  get links(): readonly SiteLink[] {
    this.#links ??= listLinks(this.route).map((link) => ({ ...link, name: link.name ?? "", port: portOf(link) }));
    return this.#links;
  }

  link(index: number): SiteLink | undefined {
    return this.links.find((one) => one.index === index);
  }

  get addresses(): readonly SiteAddress[] {
    this.#addresses ??= listAddresses(this.route).flatMap(({ local, address, flags = 0, ...rest }) => {
      const bytes = local ?? address;
      if (bytes === undefined) return [];
      const isTentative = (flags & (addressFlag.tentative | addressFlag.duplicate)) !== 0;
      return [
        {
          ...{ linkIndex: rest.index, bytes, text: formatAddress(addressFromBytes(bytes)), isTentative },
          ...{ prefixLength: rest.prefixLength, isLinkLocal: bytes.length === 16 && rest.scope === linkScope },
        },
      ];
    });
    return this.#addresses;
  }

  holds(address: Uint8Array): SiteAddress | undefined {
    return this.addresses.find(({ bytes }) => Buffer.compare(bytes, address) === 0);
  }

  neighbours(family: number): readonly Neighbour[] {
    return remembered(this.#neighbours, family, () => listNeighbours(this.route, family));
  }

  /** The entry of a bridge for a hardware address, the static ones before those that it learned. */
  forwarding(bridge: number, mac: string): Neighbour | undefined {
    const isOf = (one: Neighbour) => one.address === mac && (one.master === bridge || one.index === bridge);
    return this.neighbours(familyBridge).find(isOf);
  }

  get ruleset(): KernelRuleset {
    this.#netfilter ??= openSocketIn(this.netns, protocol.netfilter);
    this.#ruleset ??= readRuleset(this.#netfilter);
    return this.#ruleset;
  }

  /**
   * The namespace behind a veth, asked through this one: opening hundreds would take longer. It is undefined for a link
   * whose other end is here, or in a namespace that has no number here.
   */
  across(link: SiteLink): Across | undefined {
    const { peerNetnsId: id, peerIndex = 0, index } = link;
    if (id === undefined || id < 0) return undefined;
    return remembered(this.#across, index, () => {
      // The number is invalid once the namespace has ended. Its links go a moment later.
      const all = tolerating(() => listAddresses(this.route, 0, id), errno.EINVAL) ?? [];
      let isPort: boolean | undefined;
      return {
        addresses: all.flatMap(({ local, address }) => local ?? address ?? []),
        hasAddress: all.some((one) => one.index === peerIndex && one.scope !== linkScope),
        isPort: () => {
          isPort ??= tolerating(() => getLink(this.route, peerIndex, id), errno.EINVAL)?.master !== undefined;
          return isPort;
        },
      };
    });
  }

  /** Tables of iptables-legacy that may do something to a packet. */
  legacyTables(version: 4 | 6): readonly string[] {
    return remembered(this.#legacy, version, () => activeLegacyTables(this.netns, version));
  }

  /** False if a program changed the rules since they were read. */
  get isUnchanged(): boolean {
    return this.#ruleset?.isUnchanged() ?? true;
  }

  ask(question: RouteQuestion): RouteAnswer | { readonly errno: number } {
    return askRoute(this.route, question);
  }

  listening(what: "tcp" | "udp"): readonly Listening[] {
    return remembered(this.#listening, what, () => {
      using socket = openSocketIn(this.netns, socketDiagnosis);
      return listeningSockets(socket, what);
    });
  }

  /** A file below /proc/sys; undefined if the kernel has none. */
  setting(path: string): string | undefined {
    return remembered(this.#settings, path, () =>
      inNetns<string | undefined>(this.netns, () =>
        tolerating(() => readText(`/proc/sys/${path}`).trim(), errno.ENOENT),
      ),
    );
  }

  number(path: string): number {
    return Number(this.setting(path) ?? 0);
  }

  /** The number that this namespace has for another one; undefined if it has none. */
  idOf(other: Netns): number | undefined {
    return remembered(this.#ids, other.inode, () => netnsIdOf(this.route, other.fd));
  }

  close(): void {
    this.route.close();
    this.#netfilter?.close();
    closeNetns(this.netns);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** RT_SCOPE_LINK. */
const linkScope = 253;

function remembered<K, V>(known: Map<K, V>, key: K, read: () => V): V {
  if (!known.has(key)) known.set(key, read());
  return known.get(key)!;
}

export const isUp = ({ flags }: Pick<Link, "flags">): boolean => (flags & linkFlag.up) !== 0;
/** True as soon as the other end of a veth is up. */
export const hasCarrier = ({ flags }: Pick<Link, "flags">): boolean => (flags & linkFlag.lowerUp) !== 0;
/** False for a veth whose other end is down. The kernel notices a carrier up to a second later. */
export const isRunning = ({ flags }: Pick<Link, "flags">): boolean => (flags & linkFlag.running) !== 0;
export const isLoopback = ({ flags }: Pick<Link, "flags">): boolean => (flags & linkFlag.loopback) !== 0;
export const isBridge = ({ info }: Pick<Link, "info">): boolean => info?.kind === bridgeKind;
export const isVeth = ({ info }: Pick<Link, "info">): boolean => info?.kind === vethKind;
