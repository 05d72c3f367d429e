/**
 * Runs another plugin as SPEC.md, "Delegated Plugins", describes: with the same input, passing on its standard error
 * and its error.
 */
import type { Call, Interruption } from "../../conf/call.ts";
import { callAgain, code, Fault } from "../../conf/fault.ts";
import { inNetns } from "../../sys/netns.ts";
import { gather } from "./gather.ts";

/** Clients of libcni give a whole ADD this time or more, so a plugin that takes longer hangs. */
const timeoutMsDefault = 60_000;
const stdoutBytesMax = 1024 * 1024;
const stderrBytesKept = 4096;

export interface Run {
  /** Says in which namespace the plugin runs. */
  readonly call: Call;
  readonly path: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: string;
  readonly timeoutMs?: number;
  /** Passes SIGTERM and SIGINT on to the plugin and ends the call. Otherwise other listeners handle them. */
  readonly mayBeInterrupted?: boolean;
}

/**
 * Answers the plugin's standard output. Throws Fault: the plugin's own error if it wrote one; code 5 if it failed
 * without one or could not be started; code 11 if it was interrupted, or was killed because it took longer than the
 * limit.
 */
export async function runPlugin(run: Run): Promise<string> {
  const { call, path, timeoutMs = timeoutMsDefault } = run;
  const plugin = start(run);
  const signals = run.mayBeInterrupted ? passOnSignals(plugin, call.interruption) : undefined;
  const stdout = gather(plugin.stdout, stdoutBytesMax);
  const stderr = gather(plugin.stderr, stderrBytesKept, (bytes) => call.stderr(bytes));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<"tooLate">((resolve) => {
    timer = setTimeout(() => resolve("tooLate"), timeoutMs);
  });
  // A child of the plugin may keep the pipes open, so the limit is on them and not on the plugin's end.
  const all = Promise.all([stdout.done, stderr.done, plugin.exited]);
  const ended = await Promise.race([all, tooLate, ...(signals ? [signals.ended] : [])]);
  clearTimeout(timer);
  // A signal that the plugin got before its end may be delivered here after it: two turns of the event loop.
  if (signals) await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  const signal = signals?.stop();
  if (signal !== undefined) {
    stdout.stop();
    stderr.stop();
    throw new Fault(code.tryAgain, `Interrupted by ${signal} while plugin ${path} ran`, callAgain);
  }
  if (ended === "tooLate") {
    plugin.kill("SIGKILL");
    stdout.stop();
    stderr.stop();
    throw new Fault(
      code.tryAgain,
      `Plugin ${path} did not end within ${timeoutMs / 1000} s, and was killed`,
      "Find out what it waits for: its own log may say",
    );
  }
  if (stdout.isCut()) throw new Fault(code.decode, `Plugin ${path} wrote more than ${stdoutBytesMax / 1024} KiB`);
  if (plugin.exitCode === 0) return stdout.text();
  const how = plugin.signalCode === null ? `exit status ${plugin.exitCode}` : `killed by ${plugin.signalCode}`;
  throw faultOf(stdout.text()) ?? silentFault(path, how, stderr.text());
}

/** How long an interrupted plugin may take to undo its work before it is killed. */
const graceMs = 5000;

/** `ended` resolves when a signal came and the plugin ended after it. `stop` answers that signal. */
function passOnSignals(plugin: Bun.Subprocess, interruption: Interruption) {
  let came: NodeJS.Signals | undefined;
  let killer: ReturnType<typeof setTimeout> | undefined;
  const { promise: ended, resolve } = Promise.withResolvers<"interrupted">();
  const passOn = (signal: NodeJS.Signals) => {
    came ??= signal;
    plugin.kill(signal);
    killer ??= setTimeout(() => plugin.kill("SIGKILL"), graceMs);
    void plugin.exited.then(() => resolve("interrupted"));
  };
  const passing = interruption.passTo(passOn);
  const stop = () => {
    passing[Symbol.dispose]();
    clearTimeout(killer);
    return came;
  };
  return { ended, stop };
}

function start({ call: { namespace }, path, environment, stdin }: Run) {
  const spawn = () =>
    Bun.spawn([path], { env: environment, stdin: Buffer.from(stdin), stdout: "pipe", stderr: "pipe" });
  try {
    return namespace ? inNetns(namespace, spawn) : spawn();
  } catch (error) {
    throw new Fault(code.io, `Cannot start plugin ${path}: ${(error as Error).message}`, "Install it again");
  }
}

/** The plugin's error as it wrote it; undefined if it wrote none. */
export function faultOf(stdout: string): Fault | undefined {
  try {
    const { code: own, msg, details } = JSON.parse(stdout);
    if (typeof own !== "number" || typeof msg !== "string") return undefined;
    return new Fault(own, msg, typeof details === "string" ? details : "");
  } catch {
    return undefined;
  }
}

function silentFault(path: string, how: string, stderr: string): Fault {
  const said = stderr.trim();
  return new Fault(
    code.io,
    `Plugin ${path} failed (${how}) without an error message`,
    said === "" ? "It wrote nothing to stderr either: see its own log" : `It wrote to stderr: ${said}`,
  );
}
