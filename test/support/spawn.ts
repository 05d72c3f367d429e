/**
 * Programs in a network namespace without `nsenter`, and namespaces without `ip netns`: each of these is a process, and
 * a test makes dozens. The thread is in the other namespace only between system calls in a row. No JavaScript of Bun
 * runs there, because a thread that Bun started there would keep the namespace for seconds after its deletion.
 */
import { ptr } from "bun:ffi";
import { closeSync, constants, mkdirSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { constants as system } from "node:os";
import { cText } from "../../sys/cText.ts";
import { bind, checked, lastErrno } from "../../sys/libc.ts";

const c = bind({
  setns: { args: ["i32", "i32"], returns: "i32" },
  unshare: { args: ["i32"], returns: "i32" },
  mount: { args: ["ptr", "ptr", "ptr", "u64", "ptr"], returns: "i32" },
  umount2: { args: ["ptr", "i32"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  posix_spawn: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  posix_spawn_file_actions_init: { args: ["ptr"], returns: "i32" },
  posix_spawn_file_actions_adddup2: { args: ["ptr", "i32", "i32"], returns: "i32" },
  posix_spawn_file_actions_addchdir_np: { args: ["ptr", "ptr"], returns: "i32" },
  posix_spawnattr_init: { args: ["ptr"], returns: "i32" },
  posix_spawnattr_setflags: { args: ["ptr", "i16"], returns: "i32" },
  posix_spawnattr_setsigdefault: { args: ["ptr", "ptr"], returns: "i32" },
  posix_spawnattr_setsigmask: { args: ["ptr", "ptr"], returns: "i32" },
});

const CLONE_NEWNET = 0x40000000; // linux/sched.h
const [MS_BIND, MNT_DETACH] = [0x1000, 2]; // linux/mount.h
const [AF_INET, SOCK_DGRAM, O_CLOEXEC] = [2, 2, 0o2000000];
const [SIOCSIFFLAGS, IFF_UP] = [0x8914, 1]; // linux/sockios.h, linux/if.h
const [POLLIN, EINTR] = [1, 4];

const folder = "/run/netns";

/** The namespace of this thread at the start, to which it returns. */
const home = openSync("/proc/thread-self/ns/net", constants.O_RDONLY);

const returnHome = () => checked("return to the own namespace", c.setns(home, CLONE_NEWNET));

/** struct ifreq: a name of 16 bytes, then the flags. */
const loopbackUp = new Uint8Array(40);
loopbackUp.set(new TextEncoder().encode("lo"));
loopbackUp[16] = IFF_UP;

const [ownPath, none] = [cText("/proc/thread-self/ns/net"), cText("none")];

/** A new namespace with `lo` up and a name, as `ip netns add` creates it. */
export function createNetns(name: string): void {
  if (!isShared) shareNames();
  const path = `${folder}/${name}`;
  closeSync(openSync(path, constants.O_RDONLY | constants.O_CREAT | constants.O_EXCL, 0));
  const target = cText(path);
  checked("create a network namespace", c.unshare(CLONE_NEWNET));
  const mounted = c.mount(ptr(ownPath), ptr(target), ptr(none), MS_BIND, null);
  const socket = c.socket(AF_INET, SOCK_DGRAM | O_CLOEXEC, 0);
  const raised = c.ioctl(socket, SIOCSIFFLAGS, ptr(loopbackUp));
  c.close(socket);
  returnHome();
  checked(`mount the namespace ${name}`, mounted);
  checked("set lo up", raised);
}

/** As `ip netns del`. Nothing if there is no such name. */
export function deleteNetns(name: string): void {
  const path = `${folder}/${name}`;
  c.umount2(ptr(cText(path)), MNT_DETACH);
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** A file at another path, too, in this mount namespace and those made of it, until the answer is disposed of. */
export function showFile(path: string, at: string): Disposable {
  closeSync(openSync(at, constants.O_RDONLY | constants.O_CREAT | constants.O_EXCL, 0o755));
  checked(`mount ${path} at ${at}`, c.mount(ptr(cText(path)), ptr(cText(at)), ptr(none), MS_BIND, null));
  return { [Symbol.dispose]: () => void c.umount2(ptr(cText(at)), MNT_DETACH) };
}

let isShared = false;

/** `ip` turns the folder into a shared mount, so that other mount namespaces see new names. */
function shareNames(): void {
  mkdirSync(folder, { recursive: true });
  const { exitCode, stderr } = Bun.spawnSync(["ip", "netns", "add", "first"]);
  if (exitCode !== 0) throw new Error(`ip netns add: ${stderr}`);
  deleteNetns("first");
  isShared = true;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly signalCode: string | number | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

interface Options {
  /** Absent: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Absent: no input. */
  readonly stdin?: Uint8Array | undefined;
  readonly cwd?: string | undefined;
}

/** The capacity of a pipe (pipe(7)). Longer input would need a writer while the program runs. */
const pipeBytes = 65_536;

/** Runs a program in the namespace at a path, and waits for its end and the end of its output. */
export function spawnInside(netns: string, command: readonly string[], options: Options = {}): Ended {
  const { env = process.env, stdin, cwd } = options;
  const program = command[0]!.includes("/") ? command[0]! : Bun.which(command[0]!, { PATH: process.env["PATH"]! });
  if (program === null || (stdin?.length ?? 0) > pipeBytes) return byNsenter(netns, command, options);
  const input = stdin === undefined ? undefined : pipe();
  const [output, errors] = [pipe(), pipe()];
  const nothing = openSync("/dev/null", constants.O_RDONLY);
  let pid: number;
  try {
    pid = start(netns, program, command, env, [input?.reading ?? nothing, output.writing, errors.writing], cwd);
  } catch (error) {
    for (const fd of [input?.writing, output.reading, errors.reading]) if (fd !== undefined) closeSync(fd);
    throw error;
  } finally {
    for (const fd of [nothing, input?.reading, output.writing, errors.writing]) if (fd !== undefined) closeSync(fd);
  }
  if (input) {
    feed(input.writing, stdin!);
    closeSync(input.writing);
  }
  const [stdout, stderr] = drain(output.reading, errors.reading);
  return { ...statusOf(pid), stdout, stderr };
}

function byNsenter(netns: string, command: readonly string[], { env = process.env, stdin, cwd }: Options): Ended {
  const { exitCode, signalCode, stdout, stderr } = Bun.spawnSync([nsenter, `--net=${netns}`, "--", ...command], {
    env: { ...env },
    stdin: stdin ?? "ignore",
    ...(cwd !== undefined && { cwd }),
  });
  return { exitCode, signalCode: signalCode ?? undefined, stdout, stderr };
}

/** By its path: the environment of a plugin needs no PATH. */
const nsenter = Bun.which("nsenter") ?? "nsenter";

function pipe(): { readonly reading: number; readonly writing: number } {
  const ends = new Int32Array(2);
  checked("open a pipe", c.pipe2(ptr(ends), O_CLOEXEC));
  return { reading: ends[0]!, writing: ends[1]! };
}

/** The program may have ended without reading: Bun ignores SIGPIPE. */
function feed(fd: number, bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}

/** Null-terminated. The caller keeps the texts. */
const pointersTo = (texts: readonly Uint8Array[]) =>
  BigUint64Array.from([...texts.map((text) => BigInt(ptr(text))), 0n]);

/** posix_spawn_file_actions_t and posix_spawnattr_t are 80 and 336 bytes in glibc, less in musl; sigset_t is 128. */
const [actionsBytes, attributesBytes, signalsBytes] = [256, 512, 128];
const [POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK] = [4, 8];

/** All signals at their defaults, which Bun changed for itself, and none blocked. */
const attributes = new Uint8Array(attributesBytes);
c.posix_spawnattr_init(ptr(attributes));
c.posix_spawnattr_setflags(ptr(attributes), POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
c.posix_spawnattr_setsigdefault(ptr(attributes), ptr(new Uint8Array(signalsBytes).fill(0xff)));
c.posix_spawnattr_setsigmask(ptr(attributes), ptr(new Uint8Array(signalsBytes)));

function start(
  netns: string,
  program: string,
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  streams: readonly number[],
  cwd: string | undefined,
): number {
  const variables = Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
  const [words, texts] = [command.map(cText), variables.map(cText)];
  const [argv, envp, path] = [pointersTo(words), pointersTo(texts), cText(program)];
  const [actions, pid] = [new Uint8Array(actionsBytes), new Int32Array(1)];
  c.posix_spawn_file_actions_init(ptr(actions));
  for (const [to, from] of streams.entries()) c.posix_spawn_file_actions_adddup2(ptr(actions), from, to);
  const directory = cwd === undefined ? undefined : cText(cwd);
  if (directory) c.posix_spawn_file_actions_addchdir_np(ptr(actions), ptr(directory));
  const pointers = [ptr(pid), ptr(path), ptr(actions), ptr(attributes), ptr(argv), ptr(envp)] as const;
  const there = openSync(netns, constants.O_RDONLY);
  try {
    checked(`enter ${netns}`, c.setns(there, CLONE_NEWNET));
    const number = c.posix_spawn(...pointers);
    returnHome();
    if (number !== 0) throw new Error(`Cannot execute ${program}: errno ${number}`);
  } finally {
    closeSync(there);
  }
  return pid[0]!;
}

/** Reads both to their ends, whichever has something, and closes them. */
function drain(...files: readonly number[]): [Buffer, Buffer] {
  const descriptors = Int32Array.from(files.flatMap((fd) => [fd, POLLIN]));
  const parts: [Buffer[], Buffer[]] = [[], []];
  for (let open = files.length; open > 0; ) {
    if (c.poll(ptr(descriptors), files.length, -1) < 0 && lastErrno() !== EINTR) checked("poll", -1);
    for (const [i, fd] of files.entries()) {
      if (descriptors[2 * i]! < 0 || descriptors[2 * i + 1]! >>> 16 === 0) continue;
      const length = readSync(fd, buffer);
      if (length > 0) parts[i]!.push(Buffer.from(buffer.subarray(0, length)));
      if (length > 0) continue;
      closeSync(fd);
      descriptors[2 * i] = -1; // poll passes over it
      open--;
    }
  }
  return [Buffer.concat(parts[0]), Buffer.concat(parts[1])];
}

const buffer = Buffer.alloc(pipeBytes);

function statusOf(pid: number): Pick<Ended, "exitCode" | "signalCode"> {
  const status = new Int32Array(1);
  while (c.waitpid(pid, ptr(status), 0) < 0) if (lastErrno() !== EINTR) checked(`wait for ${pid}`, -1);
  const signal = status[0]! & 0x7f;
  if (signal === 0) return { exitCode: (status[0]! >> 8) & 0xff, signalCode: undefined };
  const name = Object.entries(system.signals).find(([, number]) => number === signal)?.[0];
  return { exitCode: null, signalCode: name };
}
