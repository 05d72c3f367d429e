/**
 * Whether all ports of a bridge are ours, by their names. Uses ioctl, which answers a number a port: listing 500 links
 * over rtnetlink takes as long as a whole ADD (linux/if_bridge.h, linux/sockios.h).
 */

import { errno, isKernelError, tolerating } from "../../sys/errors.ts";
import { addressOf } from "../../sys/libc.ts";
import { text } from "../codec.ts";
import type { NetlinkSocket } from "../socket.ts";

const SIOCGIFNAME = 0x8910;
const SIOCDEVPRIVATE = 0x89f0;
const BRCTL_GET_PORT_LIST = 7;
/** BR_MAX_PORTS. */
const portsMax = 1024;

/**
 * If there are more, only this many with the lowest and as many with the highest indexes are looked up, 1 µs each.
 * Indexes grow: a network card is older than the containers, and a tunnel or a machine's tap is new when it becomes a
 * port.
 */
const namedMax = 32;

/** struct ifreq in words of four bytes: four for a name, then a union. */
const requestWords = 10;
const unionAt = 4;
/** A 64-bit number is two words, the lower first. */
const wordRange = 2 ** 32;

/**
 * True if the bridge has a port whose name `isOurs` refuses, among the ports that are looked up, and also if the kernel
 * does not answer. False for a bridge that no longer exists. The device must be a bridge: for others the number of this
 * ioctl has another meaning.
 */
export function hasOtherPort(socket: NetlinkSocket, bridge: string, isOurs: (name: Uint8Array) => boolean): boolean {
  const request = new Uint32Array(requestWords);
  const name = new Uint8Array(request.buffer);
  try {
    name.set(text.put(bridge));
    const indexes = portIndexes(socket, request, name);
    for (let i = portsMax - 1, seen = 0; i >= 0 && indexes[i] !== 0; i--, seen++) {
      if (seen === namedMax) i = Math.min(i, indexes.lastIndexOf(0) + namedMax);
      request[unionAt] = indexes[i]!;
      if (isNamed(socket, name) && !isOurs(name)) return true;
    }
    return false;
  } catch (error) {
    return !isKernelError(error, errno.ENODEV);
  }
}

/** The kernel lists indexes by port number, 0 for a port that is gone. Sorted, the zeros come first. */
function portIndexes(socket: NetlinkSocket, request: Uint32Array, bytes: Uint8Array): Int32Array {
  const indexes = new Int32Array(portsMax);
  const call = new Uint32Array(8);
  call[0] = BRCTL_GET_PORT_LIST;
  call[4] = portsMax;
  point(call, 2, indexes);
  point(request, unionAt, call);
  socket.control("list the ports of a bridge", SIOCDEVPRIVATE, bytes);
  return indexes.sort();
}

function point(structure: Uint32Array, at: number, to: NodeJS.TypedArray): void {
  const address = addressOf(to);
  structure[at] = address % wordRange;
  structure[at + 1] = Math.floor(address / wordRange);
}

/** Replaces the index in the request by the name of that link, closed by a zero. False if the link no longer exists. */
function isNamed(socket: NetlinkSocket, bytes: Uint8Array): boolean {
  const look = () => {
    socket.control("look up the name of a link", SIOCGIFNAME, bytes);
    return true;
  };
  return tolerating(look, errno.ENODEV) ?? false;
}
