/** Calls a CNI plugin as a runtime does: one process, CNI's environment and nothing else, the configuration on stdin. */
import { join } from "node:path";
import type { Verb } from "../../conf/request.ts";
import type { Netns } from "./sandbox.ts";
import { spawnInside } from "./spawn.ts";
import { agentOf, isThroughAgent, launcher } from "./throughAgent.ts";

/** The executable; with NSNET_TEST_AGENT, the launcher. */
export const nsNet = isThroughAgent ? launcher() : join(import.meta.dirname, "../../dist/ns-net");
export const referencePlugins = "/usr/lib/cni";

export interface Call {
  readonly command: Verb;
  /** Any executable; absent: ours. */
  readonly plugin?: string;
  /** The namespace that plays the host; absent: the sandbox itself. */
  readonly host?: Netns;
  /** An object is sent as JSON; text and bytes unchanged. */
  readonly config: object | string | Uint8Array;
  /** Path or namespace; absent: the variable is not set. */
  readonly netns?: string | Netns;
  readonly container?: string;
  readonly ifname?: string;
  readonly args?: string;
  readonly pluginPath?: string;
  /** Further variables: the reference plugins need a PATH to find iptables. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Answer {
  readonly code: number | null;
  readonly signal?: string | number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output, parsed; undefined if it is empty. Throws with the output if it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: results differ by version; assertions say what is expected.
  readonly json: any;
}

/** CNI's variables of the call. VERSION, GC and STATUS need no container. */
export function environmentOf(call: Call): Record<string, string> {
  const { command, netns, container, ifname, args } = call;
  const path = typeof netns === "object" ? netns.path : netns;
  const needsContainer = command === "ADD" || command === "DEL" || command === "CHECK";
  return {
    CNI_COMMAND: command,
    CNI_PATH: call.pluginPath ?? referencePlugins,
    ...(needsContainer && { CNI_CONTAINERID: container ?? "c1", CNI_IFNAME: ifname ?? "eth0" }),
    ...(container !== undefined && { CNI_CONTAINERID: container }),
    ...(ifname !== undefined && { CNI_IFNAME: ifname }),
    ...(path !== undefined && { CNI_NETNS: path }),
    ...(args !== undefined && { CNI_ARGS: args }),
    ...(isThroughAgent && (call.plugin ?? nsNet) === nsNet && { NSNET_AGENT: agentOf(call.host) }),
    ...call.environment,
  };
}

function stdinOf({ config }: Call): Buffer {
  if (typeof config === "string" || config instanceof Uint8Array) return Buffer.from(config as string);
  return Buffer.from(JSON.stringify(config));
}

function commandOf({ plugin = nsNet, host }: Call): string[] {
  return host === undefined ? [plugin] : host.inside([plugin]);
}

/** nsenter has an absolute path, so that the plugin's environment needs no PATH. */
const nsenter = Bun.which("nsenter") ?? "nsenter";
const absolute = (command: string[]) => command.map((word, i) => (i === 0 && word === "nsenter" ? nsenter : word));

const answer = (code: number | null, signal: string | number | undefined, stdout: string, stderr: string): Answer => ({
  code,
  ...(signal !== undefined && { signal }),
  stdout,
  stderr,
  get json() {
    if (stdout.trim() === "") return undefined;
    try {
      return JSON.parse(stdout);
    } catch {
      throw new Error(`not JSON on stdout: ${stdout.slice(0, 500)}`);
    }
  },
});

export function runPlugin(call: Call): Answer {
  const { plugin = nsNet, host, cwd } = call;
  if (host !== undefined) {
    const options = { env: environmentOf(call), stdin: stdinOf(call), cwd };
    const { exitCode, signalCode, stdout, stderr } = spawnInside(host.path, [plugin], options);
    return answer(exitCode, signalCode, stdout.toString(), stderr.toString());
  }
  const { exitCode, signalCode, stdout, stderr } = Bun.spawnSync(absolute(commandOf(call)), {
    env: environmentOf(call),
    stdin: stdinOf(call),
    ...(call.cwd !== undefined && { cwd: call.cwd }),
  });
  return answer(exitCode, signalCode ?? undefined, stdout.toString(), stderr.toString());
}

interface RunningPlugin {
  readonly answer: Promise<Answer>;
  kill(signal: NodeJS.Signals): void;
}

/** For many at once, or to interrupt one. */
export function startPlugin(call: Call): RunningPlugin {
  const child = Bun.spawn(absolute(commandOf(call)), {
    env: environmentOf(call),
    stdio: [stdinOf(call), "pipe", "pipe"],
    ...(call.cwd !== undefined && { cwd: call.cwd }),
  });
  const all = Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return {
    answer: all.then(([out, err]) => answer(child.exitCode, child.signalCode ?? undefined, out, err)),
    kill: (signal) => child.kill(signal),
  };
}

/** ADD that must succeed; the answer is its result. */
// biome-ignore lint/suspicious/noExplicitAny: as for Answer.json
export function add(call: Omit<Call, "command">): any {
  const { code, stdout, stderr, json } = runPlugin({ ...call, command: "ADD" });
  if (code !== 0) throw new Error(`ADD failed (${code}): ${stdout}${stderr}`);
  return json;
}

/** DEL that must succeed. */
export function del(call: Omit<Call, "command">): void {
  const { code, stdout, stderr } = runPlugin({ ...call, command: "DEL" });
  if (code !== 0) throw new Error(`DEL failed (${code}): ${stdout}${stderr}`);
}
