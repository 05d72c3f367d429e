/**
 * The functions of C that ADD and DEL call. Only this file and sysRare.ts call C. Every call is synchronous, and a
 * negative result becomes a KernelError.
 */

import { dlopen, type FFIFunction, type Pointer, ptr, read } from "bun:ffi";
import { cText } from "./cText.ts";
import { errno, KernelError } from "./errors.ts";

/** The functions that ADD and DEL call. Binding one takes 0.02 ms, so the others are in sysRare.ts. */
const hot = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  send: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  ioctl: { args: ["i32", "u64", "u64"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
  open: { args: ["ptr", "i32", "u32"], returns: "i32" },
  read: { args: ["i32", "ptr", "u64"], returns: "i64" },
  write: { args: ["i32", "ptr", "u64"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
  syscall: { args: ["i64", "i32", "ptr", "i32", "u32", "ptr"], returns: "i64" },
  _exit: { args: ["i32"], returns: "void" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

declare const NSNET_LIBC: string;

/**
 * glibc by its name, as the dynamic linker finds it; musl by its path. The compiled executable tries its own library
 * alone: Bun looks for a name that the linker does not find in the current folder, which a container may have filled.
 */
const libraryNames =
  typeof NSNET_LIBC === "string"
    ? [NSNET_LIBC]
    : ["libc.so.6", "/lib/libc.musl-x86_64.so.1", "/lib/libc.musl-aarch64.so.1"];

export function bind<S extends Record<string, FFIFunction>>(signatures: S) {
  let failure: unknown;
  for (const name of libraryNames) {
    try {
      return dlopen(name, signatures).symbols;
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

export const c = bind(hot);
/** Answers the result, or throws KernelError if it is negative. The caller repeats the call on EINTR. */
export function checked(operation: string, result: number | bigint): number {
  const value = Number(result);
  if (value < 0) throw new KernelError(operation, lastErrno());
  return value;
}

export function lastErrno(): number {
  return read.i32(c.__errno_location() as Pointer, 0);
}

const O_CLOEXEC = 0o2000000;

/** Opens a file and answers its descriptor. `mode` holds for a file that this call creates. Throws KernelError. */
export function openFile(path: string, flags: number, mode = 0): number {
  const name = cText(path);
  for (;;) {
    const fd = c.open(ptr(name), flags | O_CLOEXEC, mode);
    if (fd >= 0) return fd;
    const number = lastErrno();
    if (number !== errno.EINTR) throw new KernelError(`open ${path}`, number);
  }
}

/** Reads into `buffer`; answers the number of bytes, 0 at the end of the file. Throws KernelError. */
export function readFile(fd: number, buffer: Uint8Array): number {
  for (;;) {
    const length = Number(c.read(fd, ptr(buffer), buffer.length));
    if (length >= 0) return length;
    const number = lastErrno();
    if (number !== errno.EINTR) throw new KernelError(`read file descriptor ${fd}`, number);
  }
}

/** Writes; answers the number of bytes, maybe fewer than given. Throws KernelError. */
export function writeFile(fd: number, bytes: Uint8Array): number {
  for (;;) {
    const length = Number(c.write(fd, ptr(bytes), bytes.length));
    if (length >= 0) return length;
    const number = lastErrno();
    if (number !== errno.EINTR) throw new KernelError(`write file descriptor ${fd}`, number);
  }
}

/** Closes a descriptor. Answers no error: the descriptor is free even if close(2) reports one. */
export function closeFile(fd: number): void {
  c.close(fd);
}

// The C library has statx since glibc 2.28 and musl 1.2.5; the kernel since 4.11. asm/unistd.h
const SYS_statx = process.arch === "arm64" ? 291 : 332;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
const statxBytes = 256;

/** struct statx of a path, following links, or of an open file. Throws KernelError. */
export function statusOf(file: string | number): ArrayBuffer {
  const isOpen = typeof file === "number";
  const out = new ArrayBuffer(statxBytes);
  const path = cText(isOpen ? "" : file);
  const [folder, flags] = isOpen ? [file, AT_EMPTY_PATH] : [AT_FDCWD, 0];
  checked(
    `find ${isOpen ? `file descriptor ${file}` : file}`,
    c.syscall(SYS_statx, folder, ptr(path), flags, STATX_BASIC_STATS, ptr(out)),
  );
  return out;
}

// linux/socket.h, linux/netlink.h, asm-generic/socket.h
const AF_NETLINK = 16;
const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
const SOL_NETLINK = 270;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;

export const netlinkOption = { capAck: 10, extendedAck: 11, strictCheck: 12 } as const;

/** Opens a netlink socket of a protocol. It belongs to the network namespace that the thread is in, for life. */
export function netlinkSocket(protocol: number): number {
  return checked(
    `open a netlink socket (protocol ${protocol})`,
    c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol),
  );
}

/** Sets a netlink option. An older kernel refuses an unknown option (ENOPROTOOPT), which is not an error. */
export function enableNetlinkOption(socket: number, option: number): void {
  c.setsockopt(socket, SOL_NETLINK, option, ptr(new Int32Array([1])), 4);
}

// asm-generic/socket.h
const SOL_SOCKET = 1;
const SO_NETNS_COOKIE = 71;

/**
 * The cookie of the socket's network namespace, a number that the kernel never gives to another one; 0 before Linux
 * 5.14.
 */
export function netnsCookie(socket: number): bigint {
  const [cookie, size] = [new BigUint64Array(1), new Uint32Array([8])];
  return c.getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, ptr(cookie), ptr(size)) < 0 ? 0n : cookie[0]!;
}

export function send(socket: number, bytes: Uint8Array): void {
  for (;;) {
    const sent = Number(c.send(socket, ptr(bytes), bytes.length, 0));
    if (sent === bytes.length) return;
    const number = sent < 0 ? lastErrno() : errno.ENOBUFS;
    if (number !== errno.EINTR) throw new KernelError(`send ${bytes.length} bytes to the kernel`, number);
  }
}

/**
 * Receives one datagram into `buffer`; answers its length, or undefined if none waits. Throws KernelError (ENOBUFS) if
 * the datagram is longer than the buffer: nothing is ever cut.
 */
export function receive(socket: number, buffer: Uint8Array): number | undefined {
  for (;;) {
    const length = Number(c.recv(socket, ptr(buffer), buffer.length, MSG_DONTWAIT | MSG_TRUNC));
    if (length > buffer.length) throw new KernelError(`receive ${length} bytes into ${buffer.length}`, errno.ENOBUFS);
    if (length >= 0) return length;
    const number = lastErrno();
    if (number === errno.EAGAIN) return undefined;
    if (number !== errno.EINTR) throw new KernelError("receive from the kernel", number);
  }
}

// linux/sched.h, linux/nsfs.h
export const namespaceKind = { net: 0x40000000, mount: 0x00020000, user: 0x10000000 } as const;
const NS_GET_NSTYPE = 0xb703;

/** The CLONE_NEW* number of the namespace behind a file descriptor; undefined if it is not a namespace. */
export function namespaceTypeOf(fd: number): number | undefined {
  const type = c.ioctl(fd, NS_GET_NSTYPE, 0);
  return type < 0 ? undefined : type;
}

/** Calls ioctl(2) with a number, or with a structure that the kernel reads and writes. Throws KernelError. */
export function control(operation: string, fd: number, request: number, argument: number | Uint8Array): void {
  checked(operation, c.ioctl(fd, request, typeof argument === "number" ? argument : ptr(argument)));
}

/**
 * The address of a structure, for another structure that points to it. The caller must keep the structure until the
 * call is over.
 */
export function addressOf(structure: NodeJS.TypedArray): number {
  return ptr(structure);
}

/** Moves the calling thread into a namespace. No `await` may come before the way back. */
export function enterNamespace(fd: number, kind: number): void {
  checked("enter a namespace", c.setns(fd, kind));
}

/**
 * Ends the process at once: no exit handlers run, and no database is closed, which would write and sync. Write all
 * output before.
 */
export function exitNow(status: number): never {
  c._exit(status);
  throw new Error("unreachable");
}
