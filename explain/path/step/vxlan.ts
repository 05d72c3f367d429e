/**
 * A link of kind vxlan: a frame goes in UDP to another host, and there comes out of that host's device with the same number
 * (RFC 7348). The outer packet is followed as any other.
 */
import { vxlanKind } from "../../../netlink/route/kind/vxlan.ts";
import { vxlanRead } from "../../../netlink/route/kind/vxlanRead.ts";
import { familyBridge } from "../../../netlink/route/neighbour.ts";
import { type Packet, sameBytes } from "../../rules/packet.ts";
import { Blocked, Undecided } from "../cause.ts";
import { firstPacket } from "../packets.ts";
import type { Site, SiteLink } from "../site/site.ts";
import type { End, Hop, Moment, Walk } from "../walk.ts";
import { destinationOf } from "./frames.ts";
import { textOf } from "./routing.ts";

export const isVxlan = ({ info }: Pick<SiteLink, "info">): boolean => info?.kind === vxlanKind;

/** The device at the other end of a tunnel. */
export interface FarEnd {
  readonly site: Site;
  readonly link: SiteLink;
  /** The address of its host on the network below. */
  readonly address: Uint8Array;
}

export interface FarEnds {
  readonly ends: readonly FarEnd[];
  /** A tunnel leads to where this machine does not see. */
  readonly isOpen: boolean;
  /** Why one cannot be reached, with the account of it. */
  readonly failure: { readonly error: Blocked; readonly hops: readonly Hop[] } | undefined;
}

/** The outer headers of IPv4, UDP and VXLAN, and the inner one of Ethernet. */
const overheadBytes = 50;
const zeroMac = "00:00:00:00:00:00";
const isMulticast = (address: Uint8Array) => (address.length === 4 ? address[0]! >> 4 === 14 : address[0] === 0xff);

const settingsOf = ({ info }: SiteLink) => vxlanRead.get(info?.data ?? new Uint8Array(0));

/** Where frames go that have no forwarding entry. */
function remotesOf(link: SiteLink): Uint8Array[] {
  const { remote, remote6 } = settingsOf(link);
  return [remote, remote6].filter((one) => one?.some((byte) => byte !== 0)) as Uint8Array[];
}

const entriesOf = (site: Site, link: SiteLink) =>
  site.neighbours(familyBridge).flatMap(({ index, address, destination }) => {
    return index === link.index && destination !== undefined ? [{ address, destination }] : [];
  });

/** Every device to which this one may send frames. */
export function farEndsOf(walk: Walk, site: Site, link: SiteLink): FarEnds {
  const all = [...remotesOf(link), ...entriesOf(site, link).map(({ destination }) => destination)];
  const addresses = all.filter((one, i) => all.findIndex((other) => sameBytes(one, other)) === i);
  const ends: FarEnd[] = [];
  let isOpen = false;
  let failure: FarEnds["failure"];
  for (const address of addresses) {
    const hopCount = walk.hops.length;
    try {
      const end = farEndAt(walk, site, link, address);
      walk.hops.length = hopCount;
      if (end === undefined) isOpen = true;
      else ends.push(end);
    } catch (error) {
      const hops = walk.hops.splice(hopCount);
      if (!(error instanceof Blocked)) throw error;
      failure ??= { error, hops };
    }
  }
  return { ends, isOpen, failure };
}

/** Follows an outer packet without an account. Undefined: it leaves this machine. Throws Blocked if it does not arrive. */
function farEndAt(walk: Walk, site: Site, link: SiteLink, address: Uint8Array): FarEnd | undefined {
  if (isMulticast(address)) return undefined;
  const before = walk.isResolving;
  walk.isResolving = true;
  try {
    const end = carry(walk, site, link, address);
    return end.at === "outside" ? undefined : deviceAt(walk, end.site, link, address);
  } finally {
    walk.isResolving = before;
  }
}

function deviceAt(walk: Walk, site: Site, own: SiteLink, address: Uint8Array): FarEnd {
  const { id, port } = settingsOf(own);
  const link = site.links.find((one) => {
    if (!isVxlan(one)) return false;
    const other = settingsOf(one);
    return other.id === id && other.port === port;
  });
  if (link !== undefined) return { site, link, address };
  const what = `no VXLAN device with the number ${id} listens on udp port ${port} of ${textOf(address)}`;
  walk.note(site.where, "vxlan", what, "drop");
  throw new Blocked({ code: "not-listening", where: site.where, what, cure: "" });
}

/** Sends a frame through the tunnel. */
export function encapsulate(walk: Walk, site: Site, link: SiteLink, packet: Packet): Moment {
  if (settingsOf(link).collectsMetadata === 1)
    throw new Undecided(site.where, `a program decides where ${link.name} sends its frames (external)`);
  const address = addressFor(walk, site, link, packet);
  const { port } = settingsOf(link);
  if (!walk.isResolving)
    walk.note(site.where, "vxlan", `${link.name} sends the frame in UDP to ${textOf(address)}, port ${port}`);
  const end = isMulticast(address) ? undefined : carry(walk, site, link, address);
  if (end === undefined || end.at === "outside") return { at: "outside", site, link, packet };
  const far = deviceAt(walk, end.site, link, address);
  if (!walk.isResolving) walk.note(far.site.where, "vxlan", `the frame comes out of ${far.link.name}`);
  return { at: "arrive", site: far.site, link: far.link, packet };
}

/** By the entry of the frame's hardware address; else every host gets it, also that of the neighbour. */
function addressFor(walk: Walk, site: Site, link: SiteLink, packet: Packet): Uint8Array {
  const to = destinationOf(packet);
  const entries = entriesOf(site, link);
  const known = entries.find(({ address }) => address === to);
  if (known !== undefined) return known.destination;
  const flooded = [
    ...remotesOf(link),
    ...entries.filter(({ address }) => address === zeroMac).map(({ destination }) => destination),
  ];
  const { ends } = flooded.length > 1 ? farEndsOf(walk, site, link) : { ends: [] };
  const isFlooded = ({ address }: FarEnd) => flooded.some((one) => sameBytes(one, address));
  const address = ends.find((end) => end.site === walk.target?.site && isFlooded(end))?.address ?? flooded[0];
  if (address !== undefined) return address;
  const what = `${link.name} has no forwarding entry for ${to}`;
  walk.note(site.where, "vxlan", what, "drop");
  throw new Blocked({ code: "wrong-port", where: site.where, what, cure: "" });
}

/** Follows the outer packet. It is a connection of its own, and its packets are larger. */
function carry(walk: Walk, site: Site, link: SiteLink, address: Uint8Array): End {
  const { local, local6, port = 0 } = settingsOf(link);
  const route = site.ask({ destination: address });
  const own = address.length === 4 ? local : local6;
  const source = own?.some((byte) => byte !== 0) ? own : "errno" in route ? undefined : route.preferredSource;
  const outer = firstPacket("udp", source ?? new Uint8Array(address.length), address, port);
  const [connections, untracked] = [[...walk.connections], [...walk.untracked]];
  const { target, fullBytes } = walk;
  walk.connections.clear();
  walk.untracked.clear();
  walk.target = undefined;
  walk.fullBytes = fullBytes + overheadBytes;
  try {
    return walk.follow({ at: "send", site, packet: outer });
  } finally {
    walk.connections.clear();
    walk.untracked.clear();
    for (const [at, connection] of connections) walk.connections.set(at, connection);
    for (const at of untracked) walk.untracked.add(at);
    walk.target = target;
    walk.fullBytes = fullBytes;
  }
}
