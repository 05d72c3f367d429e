/** Functions of C that few calls need. Each is bound when it is first called. */
import { ptr } from "bun:ffi";
import { cText } from "./cText.ts";
import { errno, KernelError } from "./errors.ts";
import { bind, c, checked, lastErrno, SOCK_CLOEXEC } from "./libc.ts";

const rare = {
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  unshare: { args: ["i32"], returns: "i32" },
  sethostname: { args: ["ptr", "u64"], returns: "i32" },
  mount: { args: ["ptr", "ptr", "ptr", "u64", "ptr"], returns: "i32" },
  umount2: { args: ["ptr", "i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  posix_spawn: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  posix_spawn_file_actions_init: { args: ["ptr"], returns: "i32" },
  posix_spawn_file_actions_adddup2: { args: ["ptr", "i32", "i32"], returns: "i32" },
  posix_spawn_file_actions_destroy: { args: ["ptr"], returns: "i32" },
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  memfd_create: { args: ["ptr", "u32"], returns: "i32" },
  mmap: { args: ["ptr", "u64", "i32", "i32", "i32", "i64"], returns: "i64" },
  munmap: { args: ["ptr", "u64"], returns: "i32" },
  signal: { args: ["i32", "u64"], returns: "u64" },
  syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64"], returns: "i64" },
} as const;

type Bound = ReturnType<typeof bind<typeof rare>>;
const bound: Partial<Bound> = {};

/** A function of C, bound at its first use. */
export function rarely<Name extends keyof Bound>(name: Name): Bound[Name] {
  bound[name] ??= bind({ [name]: rare[name] } as unknown as typeof rare)[name];
  return bound[name]!;
}

const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
const drainedBytes = 64 * 1024;

/** Blocks until the socket can be read or the time is over. Discards the messages that came. */
export function waitReadable(socket: number, timeoutMs: number): void {
  const descriptor = new Int32Array([socket, POLLIN]);
  const drained = new Uint8Array(drainedBytes);
  rarely("poll")(ptr(descriptor), 1, Math.ceil(timeoutMs));
  // A positive result is a message; a negative one is ENOBUFS or EAGAIN. Either way the caller asks the kernel again.
  while (Number(c.recv(socket, ptr(drained), drained.length, MSG_DONTWAIT)) > 0);
}

/** asm-generic/socket.h. The kernel doubles the number. */
const SO_SNDBUF = 7;
const SO_SNDBUFFORCE = 32;

/**
 * Makes room for one message of that many bytes. Without CAP_NET_ADMIN only up to the host's limit (net.core.wmem_max).
 */
export function raiseSendBuffer(socket: number, bytes: number): void {
  const value = ptr(new Int32Array([bytes]));
  if (c.setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, value, 4) < 0)
    c.setsockopt(socket, SOL_SOCKET, SO_SNDBUF, value, 4);
}

const AF_NETLINK = 16;

/**
 * Subscribes to a group of notifications by bind(2). After a subscription by socket option alone the socket has address
 * 0, which the kernel takes for its own, and it sends no notifications of its own changes there.
 */
export function joinNetlinkGroup(socket: number, ...groups: readonly number[]): void {
  // struct sockaddr_nl: family, padding, port, a bit for each group
  const name = new Uint8Array(Uint16Array.of(AF_NETLINK, 0, 0, 0, 0, 0).buffer);
  const bits = groups.reduce((all, group) => all | (1 << (group - 1)), 0);
  new DataView(name.buffer).setUint32(8, bits >>> 0, true);
  checked(`listen to netlink groups ${groups}`, rarely("bind")(socket, ptr(name), name.length));
}

/** Sets the size of a socket's receive buffer in bytes, above the system's limit if this process has the right (SO_RCVBUFFORCE). */
export function setReceiveBuffer(socket: number, bytes: number): void {
  const value = new Uint32Array([bytes]);
  for (const option of [SO_RCVBUFFORCE, SO_RCVBUF])
    if (c.setsockopt(socket, SOL_SOCKET, option, ptr(value), value.byteLength) === 0) return;
}

const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;

// asm-generic/socket.h, linux/in.h, linux/in6.h
const AF_INET = 2;
const AF_INET6 = 10;
const socketType = { tcp: 1, udp: 2 } as const;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/**
 * Binds a socket to a port of this namespace and closes it again. Answers 0, or the errno of the refusal (EADDRINUSE).
 * `::` includes IPv4. Connections in TIME_WAIT do not count (SO_REUSEADDR).
 */
export function bindRefusal(protocol: "tcp" | "udp", address: Uint8Array, port: number): number {
  const isIpv4 = address.length === 4;
  const socket = c.socket(isIpv4 ? AF_INET : AF_INET6, socketType[protocol] | SOCK_CLOEXEC, 0);
  if (socket < 0) return lastErrno();
  try {
    const option = (level: number, name: number, value: number) =>
      c.setsockopt(socket, level, name, ptr(new Int32Array([value])), 4);
    if (protocol === "tcp") option(SOL_SOCKET, SO_REUSEADDR, 1);
    if (!isIpv4) option(IPPROTO_IPV6, IPV6_V6ONLY, 0);
    // struct sockaddr_in, struct sockaddr_in6: family, port, (flow,) address
    const name = new Uint8Array(isIpv4 ? 16 : 28);
    name.set([isIpv4 ? AF_INET : AF_INET6, 0, port >> 8, port]);
    name.set(address, isIpv4 ? 4 : 8);
    return rarely("bind")(socket, ptr(name), name.length) < 0 ? lastErrno() : 0;
  } finally {
    c.close(socket);
  }
}

/** Connects a socket to an address of 4 or 16 bytes, port 0. Throws KernelError. */
export function connectTo(socket: number, address: Uint8Array): void {
  // struct sockaddr_in, struct sockaddr_in6
  const name = new Uint8Array(address.length === 4 ? 16 : 28);
  name.set([address.length === 4 ? AF_INET : AF_INET6]);
  name.set(address, address.length === 4 ? 4 : 8);
  checked("connect", rarely("connect")(socket, ptr(name), name.length));
}

/** Throws KernelError if the kernel knows no way to an address of 4 or 16 bytes: ENETUNREACH, for example. Sends nothing. */
export function refuseWithoutRoute(address: Uint8Array): void {
  const family = address.length === 4 ? AF_INET : AF_INET6;
  const socket = checked("open a socket", c.socket(family, socketType.udp | SOCK_CLOEXEC, 0));
  try {
    connectTo(socket, address);
  } finally {
    c.close(socket);
  }
}

// linux/socket.h, linux/un.h
const AF_UNIX = 1;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const pathBytesMax = 108;

/**
 * Connects to a Unix socket and answers the descriptor. A path that begins with NUL is an abstract name. Each later
 * call on it waits at most `timeoutMs`, then fails with EAGAIN. Throws KernelError.
 */
export function connectUnix(path: string, timeoutMs: number): number {
  const shown = path.replace("\0", "@");
  const bytes = new TextEncoder().encode(path);
  if (bytes.length >= pathBytesMax) throw new KernelError(`connect to ${shown}`, errno.EINVAL);
  const socket = checked("open a socket", c.socket(AF_UNIX, socketType.tcp | SOCK_CLOEXEC, 0));
  // struct timeval: seconds, microseconds
  const limit = new BigInt64Array([BigInt(Math.trunc(timeoutMs / 1000)), BigInt((timeoutMs % 1000) * 1000)]);
  for (const option of [SO_RCVTIMEO, SO_SNDTIMEO]) c.setsockopt(socket, SOL_SOCKET, option, ptr(limit), 16);
  const isAbstract = path.startsWith("\0");
  const name = new Uint8Array(2 + bytes.length + (isAbstract ? 0 : 1));
  name.set([AF_UNIX, 0, ...bytes]);
  if (rarely("connect")(socket, ptr(name), name.length) === 0) return socket;
  const number = lastErrno();
  c.close(socket);
  throw new KernelError(`connect to ${shown}`, number);
}

/** Moves the calling thread into a new namespace. */
export function newNamespace(kind: number): void {
  checked("create a namespace", rarely("unshare")(kind));
}

/** Names the host in the UTS namespace of this thread. */
export function setHostname(name: string): void {
  const text = cText(name);
  checked(`name the host ${name}`, rarely("sethostname")(ptr(text), text.length - 1));
}

// linux/mount.h
export const mountFlag = {
  readOnly: 0x1,
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
  checked(`mount ${source || type} on ${target}`, rarely("mount")(ptr(from), ptr(to), ptr(kind), flags, null));
}

/** Detaches a mount; false if there is no mount at the path. */
export function unmount(target: string): boolean {
  if (rarely("umount2")(ptr(cText(target)), MNT_DETACH | UMOUNT_NOFOLLOW) === 0) return true;
  const number = lastErrno();
  if (number === errno.EINVAL || number === errno.ENOENT) return false;
  throw new KernelError(`unmount ${target}`, number);
}

// asm-generic/ioctls.h; struct winsize: rows, columns, and two that are not used
const TIOCGWINSZ = 0x5413;
const winsizeBytes = 8;

/** Columns of the terminal that a descriptor leads to, 0 if it does not say; undefined if it is no terminal. */
export function terminalColumns(descriptor: number): number | undefined {
  const size = new Uint8Array(winsizeBytes);
  if (c.ioctl(descriptor, TIOCGWINSZ, ptr(size)) < 0) return undefined;
  return new Uint16Array(size.buffer)[1];
}

const MFD_CLOEXEC = 1;

/** A file in memory alone, which is gone when its descriptor is closed (memfd_create(2)). Answers the descriptor. */
export function memoryFile(name: string): number {
  return checked("create a file in memory", rarely("memfd_create")(ptr(cText(name)), MFD_CLOEXEC));
}

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Locks an open file by flock(2), until it is closed. False if another process holds the lock. */
export function tryLock(fd: number): boolean {
  if (rarely("flock")(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const number = lastErrno();
  if (number === errno.EAGAIN || number === errno.EINTR) return false;
  throw new KernelError("lock a file", number);
}

/** As `tryLock`, but waits for the lock. Blocks the thread; a signal ends the process, as long as it has no handler. */
export function waitForLock(fd: number): void {
  while (rarely("flock")(fd, LOCK_EX) !== 0) {
    const number = lastErrno();
    if (number !== errno.EINTR) throw new KernelError("lock a file", number);
  }
}
