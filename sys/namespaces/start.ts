/**
 * Starts processes in namespaces of their own or of others. Bun has several threads, so it cannot enter or create a user
 * namespace, and must not create a PID namespace (setns(2), unshare(2)). `start.c` does that in a short-lived child. It
 * is compiled at the first use by the C compiler in Bun, in a few milliseconds, from a file in memory. (Bun keeps headers
 * of its own for that in /tmp/bun-cc-UID; `start.c` includes none.)
 */
import { CString, cc, type Pointer, ptr } from "bun:ffi";
import { cText } from "../cText.ts";
import { KernelError } from "../errors.ts";
import { closeFile, writeFile } from "../libc.ts";
import { environmentTexts, exitCodeOf, waitStatus } from "../processes.ts";
import { memoryFile } from "../sysRare.ts";
import { maskOf } from "./kinds.ts";
import { refusedBy } from "./refused.ts";
import source from "./start.c" with { type: "text" };
import type { Start } from "./startRequest.ts";
import defer * as utilLinux from "./utilLinux.ts";

/**
 * Answers the pid, as the caller sees it, of a process that runs. Throws KernelError or NamespaceRefused if nothing runs.
 * Where Bun's compiler does not work, util-linux does the same (utilLinux.ts).
 */
export function start(asked: Start): number {
  const functions = starter();
  if (functions === undefined) return utilLinux.start(asked);
  const request = requestOf(asked);
  const report = new DataView(new ArrayBuffer(reportBytes));
  if (functions.start(ptr(request.bytes), ptr(report)) === 0) return report.getInt32(reportOffset.pid, true);
  const error = report.getInt32(reportOffset.error, true);
  const step = textAt(report.getBigUint64(reportOffset.step, true));
  const operation = operationOf(step, Number(report.getBigInt64(reportOffset.entry, true)), asked);
  throw refusedBy(step, error) ?? new KernelError(operation, error);
}

/**
 * Waits for a process that `start` answered. Answers its exit code; 128 and the signal's number if a signal ended it, as
 * a shell does. Blocks the thread.
 */
export function waitFor(pid: number): number {
  const status = starter()?.wait_for(pid) ?? waitStatus(pid);
  if (status < 0) throw new Error(`Process ${pid} was not started here, or is waited for already`);
  return exitCodeOf(status);
}

/** False if `start` uses the programs of util-linux. */
export const hasCompiler = (): boolean => starter() !== undefined;

/** struct report of start.c */
const reportOffset = { error: 0, pid: 4, step: 8, entry: 16 } as const;
const reportBytes = 24;

const symbols = {
  start: { args: ["ptr", "ptr"], returns: "i32" },
  wait_for: { args: ["i32"], returns: "i32" },
} as const;

/** The functions of start.c, compiled at the first use; "none" after a failure. */
let compiled: ReturnType<typeof compile> | "none" | undefined;

/** Undefined where Bun's compiler does not work, or should not be used: NSNET_STARTER=util-linux. */
function starter() {
  compiled ??= process.env["NSNET_STARTER"] === "util-linux" ? "none" : compiledOrNone();
  return compiled === "none" ? undefined : compiled;
}

function compiledOrNone() {
  try {
    return compile();
  } catch (error) {
    if (process.env["NSNET_DEBUG"])
      process.stderr.write(`ns-net: start.c is not compiled: ${(error as Error).message}\n`);
    return "none" as const;
  }
}

function compile() {
  const file = memoryFile("start.c");
  try {
    const bytes = new TextEncoder().encode(source);
    for (let at = 0; at < bytes.length; ) at += writeFile(file, bytes.subarray(at));
    return cc({ source: `/proc/self/fd/${file}`, symbols }).symbols;
  } finally {
    closeFile(file);
  }
}

/** struct request of start.c. `kept` has the values that its pointers lead to: keep them as long as the request is used. */
function requestOf(asked: Start): { readonly bytes: BigInt64Array; readonly kept: readonly NodeJS.TypedArray[] } {
  const kept: NodeJS.TypedArray[] = [];
  const pointerTo = (value: NodeJS.TypedArray) => {
    kept.push(value);
    return BigInt(ptr(value));
  };
  const text = (value: string | undefined) => (value === undefined ? 0n : pointerTo(cText(value)));
  const list = (values: readonly bigint[], end: readonly bigint[]) =>
    pointerTo(BigInt64Array.from([...values, ...end]));
  const texts = (values: readonly string[]) => list(values.map(text), [0n]);
  const { enter = [], create = [], mounts = [], program, streams } = asked;
  const bytes = BigInt64Array.from([
    list(
      enter.flatMap(({ fd, kinds }) => [BigInt(fd), BigInt(maskOf(kinds))]),
      [-1n],
    ),
    BigInt(maskOf(create)),
    text(`0 ${process.geteuid!()} 1`),
    text(`0 ${process.getegid!()} 1`),
    text(asked.hostname),
    list(
      mounts.flatMap((one) => [text(one.source), text(one.target), text(one.type), BigInt(one.flags), 0n]),
      [0n, 0n, 0n, 0n, 0n],
    ),
    text(asked.directory),
    program ? texts(program.paths) : 0n,
    program ? texts(program.words) : 0n,
    program ? texts(environmentTexts(program.environment)) : 0n,
    streams ? pointerTo(Int32Array.from(streams)) : 0n,
    ...[asked.init, asked.session, asked.diesWithCaller, asked.foreground].map((isAsked) => (isAsked ? 1n : 0n)),
  ]);
  return { bytes, kept };
}

/** The failed step of start.c in the words that follow "Cannot". */
function operationOf(step: string, entry: number, { enter, mounts, program, hostname, directory }: Start): string {
  if (step === "enter") return `enter the namespace (${enter?.[entry]?.kinds.join(", ")})`;
  if (step === "mount") return `mount ${mounts?.[entry]?.source} on ${mounts?.[entry]?.target}`;
  if (step === "execute") return `execute ${program?.words[0]}`;
  if (step === "name the host") return `name the host ${hostname}`;
  if (step === "change the directory") return `change to ${directory}`;
  if (step === "create") return "create namespaces";
  if (step === "create user") return "create a user namespace";
  return step;
}

/** Text of C at an address. */
function textAt(address: bigint): string {
  return address === 0n ? "" : new CString(Number(address) as Pointer).toString();
}
