/** Events of netlink from several network namespaces, each with the namespace's number (netlink(7), NETLINK_LISTEN_ALL_NSID). */
import { ptr } from "bun:ffi";
import { errno, KernelError } from "./errors.ts";
import { bind, c, lastErrno } from "./libc.ts";

const functions = bind({
  recvmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
});

const SOL_NETLINK = 270;
const NETLINK_LISTEN_ALL_NSID = 8;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;

/** struct cmsghdr: length (8 bytes), level, type; then the data, here a number. */
const controlBytes = 24;

/**
 * From now on the socket also receives events of the namespaces that its own one has numbers for: those that a veth leads
 * to. False without the right to (CAP_NET_BROADCAST).
 */
export function listenToOthers(socket: number): boolean {
  return c.setsockopt(socket, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, ptr(new Int32Array([1])), 4) === 0;
}

export interface Received {
  readonly length: number;
  /** Undefined: the socket's own namespace. */
  readonly netnsId: number | undefined;
}

/** The next datagram, into `buffer`; undefined if none waits. Throws KernelError: ENOBUFS if the kernel had no room for an event. */
export function receiveEvent(socket: number, buffer: Uint8Array): Received | undefined {
  const control = new Uint8Array(controlBytes);
  const part = new BigUint64Array([BigInt(ptr(buffer)), BigInt(buffer.length)]);
  // struct msghdr: name, its length, parts, their number, control, its length, flags
  const message = new BigUint64Array([0n, 0n, BigInt(ptr(part)), 1n, BigInt(ptr(control)), BigInt(control.length), 0n]);
  for (;;) {
    const length = Number(functions.recvmsg(socket, ptr(message), MSG_DONTWAIT | MSG_TRUNC));
    if (length > buffer.length) throw new KernelError(`receive ${length} bytes into ${buffer.length}`, errno.ENOBUFS);
    if (length >= 0) return { length, netnsId: numberIn(control, Number(message[5])) };
    const number = lastErrno();
    if (number === errno.EAGAIN) return undefined;
    if (number !== errno.EINTR) throw new KernelError("receive events of the kernel", number);
  }
}

function numberIn(control: Uint8Array, length: number): number | undefined {
  if (length < controlBytes - 4) return undefined;
  const view = new DataView(control.buffer);
  const isNumber = view.getInt32(8, true) === SOL_NETLINK && view.getInt32(12, true) === NETLINK_LISTEN_ALL_NSID;
  return isNumber ? view.getInt32(16, true) : undefined;
}
