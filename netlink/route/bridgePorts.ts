/**
 * Whose a bridge's ports are, by their names. By ioctl, which answers a number a port: to list 500 links over rtnetlink
 * takes as long as a whole ADD, this a fiftieth of it (linux/if_bridge.h, linux/sockios.h).
 */
import { errno, isKernelError } from "../errors.ts";
import type { NetlinkSocket } from "../socket.ts";
import { addressOf } from "../sys.ts";

const SIOCGIFNAME = 0x8910;
const SIOCDEVPRIVATE = 0x89f0;
const BRCTL_GET_PORT_LIST = 7n;
/** BR_MAX_PORTS. */
const portsMax = 1024;

/** struct ifreq: a name of 16 bytes, and a union. */
const requestBytes = 40;
const unionAt = 16;
const nameBytesMax = 15;

/** True when the bridge has a port whose name `isOurs` refuses; false for a bridge that is gone. */
export function hasOtherPort(socket: NetlinkSocket, bridge: string, isOurs: (name: Uint8Array) => boolean): boolean {
  const request = new Uint8Array(requestBytes);
  try {
    const ports = portIndexes(socket, bridge, request);
    for (let i = 0; i < portsMax; i++) {
      const index = ports[i]!;
      if (index !== 0 && isNamed(socket, index, request) && !isOurs(request)) return true;
    }
    return false;
  } catch (error) {
    if (isKernelError(error, errno.ENODEV)) return false;
    throw error;
  }
}

/** By the ports' numbers, which have holes where a port was: 0. */
function portIndexes(socket: NetlinkSocket, bridge: string, request: Uint8Array): Int32Array {
  const indexes = new Int32Array(portsMax);
  const call = new BigUint64Array([BRCTL_GET_PORT_LIST, addressOf(indexes), BigInt(portsMax), 0n]);
  new TextEncoder().encodeInto(bridge, request.subarray(0, nameBytesMax));
  new DataView(request.buffer).setBigUint64(unionAt, addressOf(call), true);
  socket.control(`list the ports of ${bridge}`, SIOCDEVPRIVATE, request);
  return indexes;
}

/** Writes the link's name, closed by a zero, into the request; false for a link that is gone. */
function isNamed(socket: NetlinkSocket, index: number, request: Uint8Array): boolean {
  for (let byte = 0; byte < 4; byte++) request[unionAt + byte] = (index >>> (8 * byte)) & 0xff;
  try {
    socket.control(`look up the name of link ${index}`, SIOCGIFNAME, request);
    return true;
  } catch (error) {
    if (isKernelError(error, errno.ENODEV)) return false;
    throw error;
  }
}
