/** The only file that calls C. Every call is synchronous; a negative answer becomes a KernelError with errno. */
import { dlopen, type FFIFunction, type Pointer, ptr, read } from "bun:ffi";
import { text as textCodec } from "./codec.ts";
import { errno, KernelError } from "./errors.ts";

/** What ADD and DEL call. A function costs some 0.02 ms to bind, so what is called rarely is bound at its first call. */
const hot = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
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

const rare = {
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  unshare: { args: ["i32"], returns: "i32" },
  mount: { args: ["ptr", "ptr", "ptr", "u64", "ptr"], returns: "i32" },
  umount2: { args: ["ptr", "i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
} as const;

/** glibc first, then musl under the names its distributions give it. */
const libraryNames = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

function bind<S extends Record<string, FFIFunction>>(signatures: S) {
  let failure: unknown;
  for (const name of libraryNames) {
    try {
      return dlopen(name, signatures).symbols;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

const c = bind(hot);
let bound: ReturnType<typeof bindRare> | undefined;
const bindRare = () => bind(rare);

function rarely(): ReturnType<typeof bindRare> {
  bound ??= bindRare();
  return bound;
}

/** The result if it is not negative; EINTR is for the caller to repeat. */
function checked(operation: string, result: number | bigint): number {
  const value = Number(result);
  if (value < 0) throw new KernelError(operation, lastErrno());
  return value;
}

function lastErrno(): number {
  return read.i32(c.__errno_location() as Pointer, 0);
}

/** NUL-terminated, for a `char *` that the callee only reads. */
function cText(text: string): Uint8Array {
  return textCodec.put(text);
}

const O_CLOEXEC = 0o2000000;

/** A file descriptor. `mode` is for a file that is made. */
export function openFile(path: string, flags: number, mode = 0): number {
  const name = cText(path);
  for (;;) {
    const fd = c.open(ptr(name), flags | O_CLOEXEC, mode);
    if (fd >= 0) return fd;
    const number = lastErrno();
    if (number !== errno.EINTR) throw new KernelError(`open ${path}`, number);
  }
}

/** Bytes read, 0 at the end. */
export function readFile(fd: number, buffer: Uint8Array): number {
  for (;;) {
    const length = Number(c.read(fd, ptr(buffer), buffer.length));
    if (length >= 0) return length;
    const number = lastErrno();
    if (number !== errno.EINTR) throw new KernelError(`read file descriptor ${fd}`, number);
  }
}

/** Bytes written, maybe fewer than there are. */
export function writeFile(fd: number, bytes: Uint8Array): number {
  for (;;) {
    const length = Number(c.write(fd, ptr(bytes), bytes.length));
    if (length >= 0) return length;
    const number = lastErrno();
    if (number !== errno.EINTR) throw new KernelError(`write file descriptor ${fd}`, number);
  }
}

/** The descriptor is gone whatever is answered: close(2). */
export function closeFile(fd: number): void {
  c.close(fd);
}

// The C library has statx since glibc 2.28 and musl 1.2.5; the kernel since 4.11. asm/unistd.h
const SYS_statx = process.arch === "arm64" ? 291 : 332;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
const statxBytes = 256;

/** struct statx of a path, following links, or of an open file. */
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
const SOCK_CLOEXEC = 0o2000000;
const SOL_NETLINK = 270;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;

export const netlinkOption = { capAck: 10, extendedAck: 11, strictCheck: 12 } as const;

/** A netlink socket of this protocol, in the network namespace the calling thread is in, for life. */
export function netlinkSocket(protocol: number): number {
  return checked(
    `open a netlink socket (protocol ${protocol})`,
    c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol),
  );
}

/** Sets a netlink option; an older kernel that lacks it is left without (ENOPROTOOPT is not an error). */
export function enableNetlinkOption(socket: number, option: number): void {
  c.setsockopt(socket, SOL_NETLINK, option, ptr(new Int32Array([1])), 4);
}

export function send(socket: number, bytes: Uint8Array): void {
  for (;;) {
    const sent = Number(c.send(socket, ptr(bytes), bytes.length, 0));
    if (sent === bytes.length) return;
    const number = sent < 0 ? lastErrno() : errno.ENOBUFS;
    if (number !== errno.EINTR) throw new KernelError(`send ${bytes.length} bytes to the kernel`, number);
  }
}

/** One datagram into `buffer`; its length, or undefined when none waits. What does not fit is an error, never a short read. */
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

const NETLINK_ADD_MEMBERSHIP = 1;

/** Notifications of a group (RTNLGRP_*) come to this socket from now on. */
export function joinNetlinkGroup(socket: number, group: number): void {
  const value = new Int32Array([group]);
  checked(`listen to netlink group ${group}`, c.setsockopt(socket, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, ptr(value), 4));
}

const POLLIN = 1;
const drainedBytes = 64 * 1024;

/** Blocks until something can be read or the time is over; what came is thrown away. */
export function waitReadable(socket: number, timeoutMs: number): void {
  const descriptor = new Int32Array([socket, POLLIN]);
  const drained = new Uint8Array(drainedBytes);
  rarely().poll(ptr(descriptor), 1, Math.ceil(timeoutMs));
  // Two thrown-away reasons to ask again: a message, or ENOBUFS because there were too many.
  while (Number(c.recv(socket, ptr(drained), drained.length, MSG_DONTWAIT)) > 0);
}

// linux/sched.h, linux/nsfs.h
export const namespaceKind = { net: 0x40000000, mount: 0x00020000, user: 0x10000000 } as const;
const NS_GET_NSTYPE = 0xb703;

/** The CLONE_NEW… number of the namespace behind a file descriptor, or undefined when it is no namespace. */
export function namespaceTypeOf(fd: number): number | undefined {
  const type = c.ioctl(fd, NS_GET_NSTYPE, 0);
  return type < 0 ? undefined : type;
}

/** ioctl(2) with a number, or with a structure that the kernel reads and writes. */
export function control(operation: string, fd: number, request: number, argument: number | Uint8Array): void {
  checked(operation, c.ioctl(fd, request, typeof argument === "number" ? argument : ptr(argument)));
}

/** Moves the calling thread into a namespace. No `await` may lie between this and the way back. */
export function enterNamespace(fd: number, kind: number): void {
  checked("enter a namespace", c.setns(fd, kind));
}

/** Gives the calling thread a new namespace of its own. */
export function newNamespace(kind: number): void {
  checked("make a namespace", rarely().unshare(kind));
}

// linux/mount.h
export const mountFlag = {
  bind: 0x1000,
  recursive: 0x4000,
  private: 0x40000,
  slave: 0x80000,
  shared: 0x100000,
  remount: 0x20,
} as const;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

export function mount(source: string, target: string, type: string, flags: number): void {
  const [from, to, kind] = [cText(source), cText(target), cText(type)];
  checked(`mount ${source || type} on ${target}`, rarely().mount(ptr(from), ptr(to), ptr(kind), flags, null));
}

/** Detaches a mount; false when nothing was mounted there. */
export function unmount(target: string): boolean {
  if (rarely().umount2(ptr(cText(target)), MNT_DETACH | UMOUNT_NOFOLLOW) === 0) return true;
  const number = lastErrno();
  if (number === errno.EINVAL || number === errno.ENOENT) return false;
  throw new KernelError(`unmount ${target}`, number);
}

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Takes flock(2)'s lock on an open file, which goes when that is closed. False when somebody else has it. */
export function tryLock(fd: number): boolean {
  if (rarely().flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const number = lastErrno();
  if (number === errno.EAGAIN || number === errno.EINTR) return false;
  throw new KernelError("lock a file", number);
}

/** Replaces this process. Returns only by throwing. */
export function execute(
  path: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): never {
  const argumentTexts = args.map(cText);
  const environmentTexts = Object.entries(environment).flatMap(([key, value]) =>
    value === undefined ? [] : [cText(`${key}=${value}`)],
  );
  const pointers = (texts: Uint8Array[]) => BigUint64Array.from([...texts.map((text) => BigInt(ptr(text))), 0n]);
  const [argv, envp] = [pointers(argumentTexts), pointers(environmentTexts)];
  rarely().execve(ptr(cText(path)), ptr(argv), ptr(envp));
  throw new KernelError(`execute ${path}`, lastErrno());
}

/** Ends the process at once: no exit handlers, no database closed (which would write and sync). All output must have been written. */
export function exitNow(status: number): never {
  c._exit(status);
  throw new Error("unreachable");
}
