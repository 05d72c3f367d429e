/** Neighbours and bridge forwarding entries: struct ndmsg and NDA_* (linux/neighbour.h). */
import { attributes, bytes, i32, joined, mac, struct, u8, u16, u32, type Values } from "../codec.ts";
import { flags, type Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { familyOfBytes } from "./address.ts";

export const neighbourType = { create: 28, delete: 29, get: 30 } as const;

const header = struct({ family: u8, padding1: u8, padding2: u16, index: i32, state: u16, flags: u8, kind: u8 });
const neighbourAttributes = attributes({ destination: [1, bytes], address: [2, mac], master: [9, u32] });

/** NTF_*: an entry of the link itself, not of its bridge; an address that this namespace answers for. */
const entryFlag = { self: 0x02, proxy: 0x08 } as const;

/** AF_BRIDGE: forwarding entries. */
export const familyBridge = 7;

/** NUD_*. */
export const neighbourState = {
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noArp: 0x40,
  permanent: 0x80,
} as const;

/** NUD_VALID: the kernel sends to the hardware address of the entry. */
export const isUsable = ({ state }: Pick<Neighbour, "state">): boolean =>
  (state & (neighbourState.incomplete | neighbourState.failed)) === 0 && state !== 0;

export interface Neighbour extends Values<(typeof neighbourAttributes)["table"]> {
  readonly index: number;
  readonly state: number;
  /** NTF_*. */
  readonly flags: number;
}

/** Sets the permanent hardware address of an IP address on a link. */
export function setNeighbour(index: number, destination: Uint8Array, address: string): Message {
  const family = familyOfBytes(destination);
  return {
    what: `set neighbour ${address}`,
    type: neighbourType.create,
    flags: flags.create | flags.replace,
    payload: joined([
      header.put({ family, index, state: neighbourState.permanent }),
      neighbourAttributes.put({ destination, address }),
    ]),
  };
}

/** Deletes the entry of an IP address on a link. Refused with ENOENT if there is none. */
export function deleteNeighbour(index: number, destination: Uint8Array): Message {
  const family = familyOfBytes(destination);
  return {
    what: "delete a neighbour",
    type: neighbourType.delete,
    flags: 0,
    payload: joined([header.put({ family, index }), neighbourAttributes.put({ destination })]),
  };
}

/** Answers for an IP address on a link, as if it were there (proxy ARP, proxy NDP). */
export function setProxy(index: number, destination: Uint8Array): Message {
  return proxyMessage("answer for a neighbour", neighbourType.create, flags.create | flags.replace, index, destination);
}

/** Refused with ENOENT if there is no such entry. */
export function deleteProxy(index: number, destination: Uint8Array): Message {
  return proxyMessage("stop answering for a neighbour", neighbourType.delete, 0, index, destination);
}

function proxyMessage(
  what: string,
  type: number,
  messageFlags: number,
  index: number,
  destination: Uint8Array,
): Message {
  const payload = joined([
    header.put({ family: familyOfBytes(destination), index, flags: entryFlag.proxy }),
    neighbourAttributes.put({ destination }),
  ]);
  return { what, type, flags: messageFlags, payload };
}

/** The addresses of a family that links answer for. */
export function listProxies(socket: NetlinkSocket, family: number): Neighbour[] {
  return dumped(socket, family, entryFlag.proxy);
}

/**
 * Sets where a VXLAN device sends frames for a hardware address: to the host at `destination`, the 4 or 16 bytes of its
 * address on the underlay.
 */
export function setForwarding(index: number, address: string, destination: Uint8Array): Message {
  return {
    what: `set the forwarding entry of ${address}`,
    type: neighbourType.create,
    flags: flags.create | flags.replace,
    payload: forwarding(index, address, destination),
  };
}

/** Deletes the forwarding entry. Refused with ENOENT if there is none. */
export function deleteForwarding(index: number, address: string, destination: Uint8Array): Message {
  return {
    what: `delete the forwarding entry of ${address}`,
    type: neighbourType.delete,
    flags: 0,
    payload: forwarding(index, address, destination),
  };
}

function forwarding(index: number, address: string, destination: Uint8Array): Uint8Array {
  return joined([
    header.put({ family: familyBridge, index, state: neighbourState.permanent, flags: entryFlag.self }),
    neighbourAttributes.put({ destination, address }),
  ]);
}

/** The neighbours in the socket's namespace of a family: AF_INET 2, AF_INET6 10, AF_BRIDGE 7. */
export function listNeighbours(socket: NetlinkSocket, family: number): Neighbour[] {
  return dumped(socket, family, 0);
}

function dumped(socket: NetlinkSocket, family: number, entryFlags: number): Neighbour[] {
  const payload = header.put({ family, flags: entryFlags });
  return socket.dump({ what: "list neighbours", type: neighbourType.get, flags: 0, payload }).map((frame) => {
    const { index = 0, state = 0, flags: own = 0 } = header.get(frame.payload);
    return { ...neighbourAttributes.get(frame.payload.subarray(header.size)), index, state, flags: own };
  });
}
