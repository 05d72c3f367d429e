/** Descriptors that another process passes over a Unix socket (unix(7), SCM_RIGHTS), and who that process is. */
import { ptr } from "bun:ffi";
import { errno } from "./errors.ts";
import { bind, c, checked, closeFile, lastErrno } from "./libc.ts";
import { rarely } from "./sysRare.ts";

const functions = bind({
  recvmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
});

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;
const [POLLHUP, POLLRDHUP] = [0x10, 0x2000];

/** The user id of the process at the other end. */
export function userOf(socket: number): number {
  const credentials = new Uint32Array(3); // struct ucred: pid, uid, gid
  const length = new Uint32Array([credentials.byteLength]);
  checked("ask who connects", c.getsockopt(socket, SOL_SOCKET, SO_PEERCRED, ptr(credentials), ptr(length)));
  return credentials[1]!;
}

/** True if the other end has closed, also if bytes of it wait to be read. */
export function hasHungUp(socket: number): boolean {
  const entry = new Int16Array(4); // struct pollfd: a descriptor (4 bytes), what is waited for (2), what came (2)
  new Int32Array(entry.buffer)[0] = socket;
  entry[2] = POLLRDHUP;
  return rarely("poll")(ptr(entry), 1, 0) === 1 && (entry[3]! & (POLLHUP | POLLRDHUP)) !== 0;
}

export interface Received {
  readonly bytes: Uint8Array;
  /** Open, and the caller's to close. */
  readonly descriptors: readonly number[];
}

/** struct cmsghdr: length, level, type; then the data. */
const controlHeaderBytes = 16;
const descriptorsMax = 8;

/** The next part of a message, with its descriptors. Empty bytes: the other end has closed. Undefined: nothing came yet. Throws KernelError. */
export function receiveNow(socket: number, bytesMax: number): Received | undefined {
  const bytes = new Uint8Array(bytesMax);
  const control = new Uint8Array(controlHeaderBytes + 4 * descriptorsMax);
  const part = new BigUint64Array([BigInt(ptr(bytes)), BigInt(bytes.length)]);
  // struct msghdr: name, its length, parts, their number, control, its length, flags
  const message = new BigUint64Array([0n, 0n, BigInt(ptr(part)), 1n, BigInt(ptr(control)), BigInt(control.length), 0n]);
  const length = Number(functions.recvmsg(socket, ptr(message), MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (length < 0 && (lastErrno() === errno.EAGAIN || lastErrno() === errno.EINTR)) return undefined;
  checked("receive a message", length);
  return { bytes: bytes.subarray(0, length), descriptors: descriptorsIn(control, Number(message[5])) };
}

function descriptorsIn(control: Uint8Array, length: number): number[] {
  if (length < controlHeaderBytes) return [];
  const view = new DataView(control.buffer);
  if (view.getInt32(8, true) !== SOL_SOCKET || view.getInt32(12, true) !== SCM_RIGHTS) return [];
  const end = Math.min(length, Number(view.getBigUint64(0, true)));
  const found: number[] = [];
  for (let at = controlHeaderBytes; at + 4 <= end; at += 4) found.push(view.getInt32(at, true));
  return found;
}

export function closeAll(descriptors: readonly number[]): void {
  for (const one of descriptors) closeFile(one);
}
