/**
 * Writes a line of JSON for each call, if the configuration (`log`) or NSNET_LOG names a file: the call, its duration and
 * its outcome. Never the configuration, and of CNI_ARGS only the pod's name: both may contain secrets. Each line is one
 * write at the end of the file, which every call opens again, so that the usual tools can rotate it.
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import type { Call } from "../conf/call.ts";
import { type Environment, readVerb } from "../conf/env.ts";
import type { Fault } from "../conf/fault.ts";
import { absolutePath } from "../conf/nameRules.ts";

export interface Logged {
  readonly call: Call;
  /** Steps that ADD committed. */
  readonly steps?: readonly { readonly kind: string }[] | undefined;
  readonly result?: object | undefined;
  readonly fault?: Fault | undefined;
}

/** A line longer than this (a result with thousands of routes) loses its result. */
const lineBytesMax = 64 * 1024;

/** A log that cannot be written is reported on standard error. The call does not fail for it. */
export function log(logged: Logged): void {
  const config = configOf(logged.call.stdin);
  const path = logged.call.env["NSNET_LOG"] || config["log"];
  if (typeof path !== "string" || path === "") return;
  try {
    append(path, lineOf(logged, config["name"]));
  } catch (error) {
    logged.call.stderr(`ns-net: cannot write the log ${JSON.stringify(path)}: ${(error as Error).message}\n`);
  }
}

function lineOf({ call: { env, id }, steps, result, fault }: Logged, network: unknown): string {
  const line = {
    time: new Date().toISOString(),
    call: id,
    verb: verbOf(env),
    network: typeof network === "string" ? network : undefined,
    container: env["CNI_CONTAINERID"],
    interface: env["CNI_IFNAME"],
    pod: podOf(env["CNI_ARGS"] ?? ""),
    ms: Number(performance.now().toFixed(1)),
    steps: steps?.map(({ kind }) => kind),
    ...(fault ? { error: { code: fault.code, msg: fault.message, details: fault.cure() } } : {}),
  };
  const whole = `${JSON.stringify(fault ? line : { ...line, result })}\n`;
  return Buffer.byteLength(whole) <= lineBytesMax ? whole : `${JSON.stringify({ ...line, cut: true })}\n`;
}

function verbOf(env: Environment): string | undefined {
  try {
    return readVerb(env);
  } catch {
    return undefined;
  }
}

/** `default/web-0`. */
function podOf(args: string): string | undefined {
  const value = (key: string) => new RegExp(`(?:^|;)${key}=([^;]*)`).exec(args)?.[1];
  const name = value("K8S_POD_NAME");
  return name === undefined ? undefined : `${value("K8S_POD_NAMESPACE") ?? ""}/${name}`;
}

function configOf(stdin: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(new TextDecoder().decode(stdin)));
  } catch {
    return {};
  }
}

/** Never through a symbolic link, and never into a FIFO or a device, where a write can hang or do harm. */
function append(path: string, line: string): void {
  if (!absolutePath.allows(path)) throw new Error(`it must be ${absolutePath.mustBe}`);
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    if (!fstatSync(file).isFile()) throw new Error("it is no regular file");
    writeSync(file, line);
  } finally {
    closeSync(file);
  }
}
