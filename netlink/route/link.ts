/** Links: struct ifinfomsg and IFLA_* (linux/rtnetlink.h, linux/if_link.h). */

import { errno } from "../../sys/errors.ts";
import {
  attributes,
  bytes,
  type Codec,
  i32,
  joined,
  list,
  mac,
  nest,
  struct,
  text,
  u8,
  u16,
  u32,
  type Values,
} from "../codec.ts";
import { flags, type Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { type BridgePort, bridgePort } from "./kind/bridgePort.ts";

/** RTEXT_FILTER_SKIP_STATS: statistics are a third of the answer, and this program does not read them. */
const skipStatistics = 8;

export const interfaceType = { create: 16, delete: 17, get: 18, set: 19 } as const;

export const linkFlag = {
  up: 0x1,
  broadcast: 0x2,
  loopback: 0x8,
  /** It is up, and so is its other end. */
  running: 0x40,
  promiscuous: 0x100,
  allMulticast: 0x200,
  /** It has a carrier. The kernel may notice that, and set `running`, a moment later. */
  lowerUp: 0x10000,
} as const;

export const linkHeader = struct({ family: u8, padding: u8, type: u16, index: i32, flags: u32, change: u32 });

const linkInfo = attributes({
  kind: [1, text],
  /** Its content depends on `kind`: see kind/. */
  data: [2, bytes],
  portKind: [4, text],
  portData: [5, bytes],
});

/**
 * One setting of the arrays of i32 in IFLA_INET_CONF (IPV4_DEVCONF_* less one, linux/ip.h) or IFLA_INET6_CONF
 * (DEVCONF_*, linux/ipv6.h).
 */
const setting = (index: number): Codec<number> => ({ put: i32.put, get: (raw) => i32.get(raw, index * i32.size) });

const inet = attributes({ routeLocalnet: [1, setting(25)] });
/**
 * IFLA_AF_SPEC by address family: AF_INET (2) has IFLA_INET_CONF (1); AF_INET6 (10) has IFLA_INET6_CONF (2) and
 * IFLA_INET6_ADDR_GEN_MODE (8).
 */
const inet6 = attributes({ acceptRa: [2, setting(3)], addressGeneration: [8, u8] });
const familySpecific = attributes({ inet: [2, nest(inet)], inet6: [10, nest(inet6)] });
/** IN6_ADDR_GEN_MODE_NONE (linux/if_link.h): no link-local address. */
export const addressGeneration = { none: 1 } as const;

export const linkAttributes = attributes({
  address: [1, mac],
  name: [3, text],
  mtu: [4, u32],
  /** IFLA_IFALIAS, at most 255 bytes; the kernel ignores it in the message that creates a link. */
  alias: [20, text],
  /** The other end of a veth, or the lower device. */
  peerIndex: [5, i32],
  /** Index of the bridge; 0 removes the link from its bridge. */
  master: [10, u32],
  transmitQueueLength: [13, u32],
  info: [18, linkInfo],
  netnsFd: [28, u32],
  families: [26, nest(familySpecific)],
  group: [27, u32],
  /** IFLA_EXT_MASK: what GET reports. */
  extended: [29, u32],
  promiscuity: [30, u32],
  peerNetnsId: [37, i32],
  /** IFLA_TARGET_NETNSID: another namespace, by the number that the socket's namespace has for it. */
  netnsId: [46, i32],
  altNames: [52, list(53, text)],
});

export type LinkValues = Values<(typeof linkAttributes)["table"]>;

/** A link as the kernel reports it. */
export interface Link extends LinkValues {
  readonly index: number;
  readonly flags: number;
}

interface LinkChange extends LinkValues {
  readonly index?: number;
  /** Flags to set and to clear, linkFlag. */
  readonly set?: number | undefined;
  readonly clear?: number | undefined;
}

export const linkPayload: Codec<Link> = {
  put: ({ index, flags: set, ...values }) =>
    joined([linkHeader.put({ index, flags: set }), linkAttributes.put(values)]),
  get(raw) {
    const header = linkHeader.get(raw);
    return { ...linkAttributes.get(raw.subarray(linkHeader.size)), index: header.index ?? 0, flags: header.flags ?? 0 };
  },
};

function payload(change: LinkChange, family = 0): Uint8Array {
  const { index, set = 0, clear = 0, ...values } = change;
  return joined([linkHeader.put({ family, index, flags: set, change: set | clear }), linkAttributes.put(values)]);
}

/**
 * Creates a link. Refused with EEXIST if the name is in use, in its namespace or (for the peer of a veth) in the
 * peer's.
 */
export function createLink(change: LinkChange & { name: string }): Message {
  return {
    what: `create ${change.info?.kind ?? "link"} ${change.name}`,
    type: interfaceType.create,
    flags: flags.create | flags.exclusive,
    payload: payload(change),
  };
}

/** Changes a link, by index, or by name without an index. */
export function changeLink(what: string, change: LinkChange): Message {
  const message = { what, type: interfaceType.create, flags: 0, payload: payload(change) };
  return change.netnsFd === undefined ? message : { ...message, waits: "always" };
}

/** Changes the settings of a bridge's port. */
export function changeBridgePort(what: string, name: string, port: BridgePort): Message {
  return changeLink(what, { name, info: { portKind: "bridge", portData: bridgePort.put(port) } });
}

/** Deletes the link of this name; or a link that was read, and never another one that has its name since. */
export function deleteLink(which: string | Pick<Link, "index" | "name">): Message {
  const [name, key] = typeof which === "string" ? [which, { name: which }] : [which.name, { index: which.index }];
  const waits = { ifExists: typeof which === "string" ? which : which.index };
  return { what: `delete link ${name}`, type: interfaceType.delete, flags: 0, payload: payload(key), waits };
}

/** Deletes every link of a group by one request: the kernel waits for its readers once, not once a link. */
export function deleteLinkGroup(group: number): Message {
  const what = `delete links of group ${group}`;
  return { what, type: interfaceType.delete, flags: 0, payload: payload({ group }), waits: "always" };
}

/**
 * The link of this name or index in the socket's namespace, or of this index in the namespace `netnsId`; undefined if
 * it does not exist.
 */
export function getLink(socket: NetlinkSocket, which: string | number, netnsId?: number): Link | undefined {
  const key = typeof which === "string" ? { name: which } : { index: which, netnsId };
  const frame = socket.lookUp({
    what: `look up link ${which}`,
    type: interfaceType.get,
    flags: 0,
    payload: payload({ ...key, extended: skipStatistics }),
    absent: errno.ENODEV,
  });
  return frame && linkPayload.get(frame.payload);
}

/** All links of the socket's namespace; with `master` only that bridge's ports (the kernel filters). */
export function listLinks(socket: NetlinkSocket, filter: { readonly master?: number } = {}): Link[] {
  return socket
    .dump({
      what: "list links",
      type: interfaceType.get,
      flags: 0,
      payload: payload({ ...filter, extended: skipStatistics }),
    })
    .map((frame) => linkPayload.get(frame.payload));
}

/** The state of a bridge's port, from the port's own link message. */
export function portOf(link: Link): BridgePort | undefined {
  return link.info?.portKind === "bridge" && link.info.portData ? bridgePort.get(link.info.portData) : undefined;
}
