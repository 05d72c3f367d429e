/** Processes: starting, waiting, and pipes to them. */
import { ptr } from "bun:ffi";
import { cText } from "./cText.ts";
import { errno, KernelError } from "./errors.ts";
import { c, checked, closeFile, lastErrno, SOCK_CLOEXEC } from "./libc.ts";
import { rarely } from "./sysRare.ts";

// asm/unistd.h: the same number on all architectures
const SYS_pidfd_open = 434;

/** A descriptor of a process, which never means a later process of the same pid (pidfd_open(2)). Throws KernelError. */
export function openProcess(pid: number): number {
  return checked(`open the process ${pid}`, c.syscall(SYS_pidfd_open, pid, null, 0, 0, null));
}

/** Waits for a child and answers its wait status, or a negative number if there is no such child. Blocks the thread. */
export function waitStatus(pid: number): number {
  const status = new Int32Array(1);
  for (;;) {
    if (rarely("waitpid")(pid, ptr(status), 0) >= 0) return status[0]!;
    if (lastErrno() !== errno.EINTR) return -1;
  }
}

const WNOHANG = 1;

/** The exit code of a child that has ended, 128 and the signal's number if a signal ended it; undefined while it runs. */
export function waitStatusNow(pid: number): number | undefined {
  const status = new Int32Array(1);
  if (rarely("waitpid")(pid, ptr(status), WNOHANG) === 0) return undefined;
  return exitCodeOf(status[0]!);
}

/** Takes the exit code from a wait status (wait(2)), as shells do. */
export function exitCodeOf(status: number): number {
  const signal = status & 0x7f;
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
}

/**
 * Starts a program as a child. It inherits every descriptor without O_CLOEXEC, and has those of `streams` under the
 * numbers 0, 1, 2 and so on. Answers its pid. Throws KernelError.
 */
export function spawn(
  path: string,
  args: readonly string[],
  environment: readonly string[],
  streams: readonly number[],
): number {
  const [argv, envp] = [args.map(cText), environment.map(cText)];
  const [pid, actions] = [new Int32Array(1), new Uint8Array(fileActionsBytes)];
  rarely("posix_spawn_file_actions_init")(ptr(actions));
  for (const [to, from] of streams.entries()) rarely("posix_spawn_file_actions_adddup2")(ptr(actions), from, to);
  const vectors = [ptr(pointersTo(argv)), ptr(pointersTo(envp))] as const;
  const number = rarely("posix_spawn")(ptr(pid), ptr(cText(path)), ptr(actions), null, ...vectors);
  rarely("posix_spawn_file_actions_destroy")(ptr(actions));
  if (number !== 0) throw new KernelError(`execute ${path}`, number);
  return pid[0]!;
}

/** posix_spawn_file_actions_t is 80 bytes in glibc and in musl (spawn.h). */
const fileActionsBytes = 256;

/** `KEY=value` for each variable that is set. */
export function environmentTexts(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
}

/** A null-terminated array of pointers. The caller must keep the texts. */
const pointersTo = (texts: readonly Uint8Array[]) =>
  BigUint64Array.from([...texts.map((text) => BigInt(ptr(text))), 0n]);

/** The two ends of a pipe. Programs do not inherit them. */
export function openPipe(): readonly [reading: number, writing: number] {
  const ends = new Int32Array(2);
  checked("open a pipe", rarely("pipe2")(ptr(ends), SOCK_CLOEXEC));
  return [ends[0]!, ends[1]!];
}

// asm-generic/signal.h. Bun ignores these two signals; a program expects them to end it.
const [SIGPIPE, SIGXFSZ, SIG_DFL] = [13, 25, 0];

/** The text that comes out of a pipe until its end. Closes the descriptor, which Bun leaves open. */
export async function wholeOf(reading: number): Promise<string> {
  try {
    return await new Response(Bun.file(reading).stream()).text();
  } finally {
    closeFile(reading);
  }
}

/** Replaces this process by a program. Returns only by throwing KernelError. */
export function execute(
  path: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): never {
  const texts = [args, environmentTexts(environment)].map((words) => words.map(cText));
  const [argv, envp] = texts.map(pointersTo);
  for (const number of [SIGPIPE, SIGXFSZ]) rarely("signal")(number, SIG_DFL);
  rarely("execve")(ptr(cText(path)), ptr(argv!), ptr(envp!));
  throw new KernelError(`execute ${path}`, lastErrno());
}
