/**
 * One plugin, or a chain, with one configuration in its own sandbox: a host with an uplink, a bridge, and pods. Runs as
 * a process inside that sandbox and obeys bench/main.ts, so that only the plugin's process runs between two readings of
 * the clock.
 */
import { type AgentProcess, startAgent } from "./agentProcess.ts";
import { floorRound } from "./floor.ts";
import { peakMemoryMiB } from "./memory.ts";
import { type Program, type Run, timed } from "./process.ts";

export type Label = "ns-net" | "agent" | "ns-net under five names" | "reference";

export interface Contestant {
  readonly label: Label;
  /** CNI_PATH: the folder of the plugins and of the reference's host-local. */
  readonly folder: string;
  /** The plugins of a list by their type, in the order of ADD. */
  readonly chain: readonly string[];
  readonly ipMasq: boolean;
  /** With a published port, a bandwidth limit and a sysctl, by a chain or in one call. */
  readonly features: boolean;
}

export type Order =
  | { readonly order: "fill"; readonly pods: number }
  | { readonly order: "round" }
  | { readonly order: "floor" }
  | { readonly order: "memory" }
  | { readonly order: "connections"; readonly pod: string };

export interface Round {
  readonly add: Omit<Run, "stdout">;
  readonly del: Omit<Run, "stdout">;
}

export const bridge = "cni0";

export function command(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(words);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
}

export const hostAddress = "192.0.2.2";
/** The namespace at the other end of the host's uplink. */
export const outside = "outside";

/** Creates the uplink and its default route, which plugins read. */
export function prepareHost(): void {
  command("ip", "netns", "add", outside);
  command("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "far", "netns", outside);
  command("ip", "address", "add", `${hostAddress}/24`, "dev", "uplink");
  command("ip", "link", "set", "uplink", "up");
  command("ip", "-n", outside, "address", "add", "192.0.2.1/24", "dev", "far");
  command("ip", "-n", outside, "link", "set", "far", "up");
  command("ip", "route", "add", "default", "via", "192.0.2.1");
}

const link = {
  bridge,
  isGateway: true,
  hairpinMode: true,
  ipam: { type: "host-local", ranges: [[{ subnet: "10.88.0.0/16" }]], routes: [{ dst: "0.0.0.0/0" }] },
};
const bandwidth = { ingressRate: 80_000_000, ingressBurst: 8_000_000, egressRate: 80_000_000, egressBurst: 8_000_000 };
const sysctl = { "net.core.somaxconn": "512" };

/** The host port of each pod. chain.ts connects to it. */
export function hostPortOf(pod: string): number {
  return 20_000 + Number(pod.split("-")[1] ?? 10_000);
}

/** The keys of one plugin in the list. */
function keysOf(type: string, { ipMasq, features }: Contestant, pod: string): object {
  const portMappings = [{ hostPort: hostPortOf(pod), containerPort: 80, protocol: "tcp" }];
  switch (type) {
    case "bridge":
      return { ...link, ipMasq };
    case "ns-net":
      return { ...link, ipMasq, ...(features && { sysctl, runtimeConfig: { portMappings, bandwidth } }) };
    case "portmap":
      return { capabilities: { portMappings: true }, runtimeConfig: { portMappings } };
    case "bandwidth":
      return bandwidth;
    case "tuning":
      return { sysctl };
    default:
      return {};
  }
}

export function call(
  it: Contestant,
  verb: "ADD" | "DEL",
  pod: string,
  type = it.chain[0]!,
  prevResult?: unknown,
): Program {
  const config = {
    cniVersion: "1.0.0",
    name: "bench",
    type,
    ...keysOf(type, it, pod),
    prevResult,
  };
  const environment = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: pod,
    CNI_NETNS: `/run/netns/${pod}`,
    CNI_IFNAME: "eth0",
    CNI_PATH: it.folder,
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  };
  return { path: `${it.folder}/${type}`, environment, stdin: JSON.stringify(config) };
}

let attached = 0;

/** Attaches pods by the contestant until there are this many. */
function fill(it: Contestant, pods: number): void {
  for (; attached < pods; attached++) {
    command("ip", "netns", "add", `filler-${attached}`);
    add(it, `filler-${attached}`);
  }
}

/**
 * The measured pod keeps its namespace: the kernel cleans up a namespace in the background, which would disturb the
 * next measurement.
 */
const pod = "measured";

/** Runs ADD of each plugin in the list with the result of the one before. Answers the total and the last result. */
export function add(it: Contestant, name: string): Omit<Run, "stdout"> & { readonly result: unknown } {
  let result: unknown;
  const total = { wallMs: 0, cpuMs: 0 };
  for (const type of it.chain) {
    const { stdout, wallMs, cpuMs } = timed(call(it, "ADD", name, type, result));
    result = JSON.parse(stdout);
    total.wallMs += wallMs;
    total.cpuMs += cpuMs;
  }
  return { ...total, result };
}

function del(it: Contestant, name: string, result: unknown): Omit<Run, "stdout"> {
  const total = { wallMs: 0, cpuMs: 0 };
  for (const type of it.chain.toReversed()) {
    const { wallMs, cpuMs } = timed(call(it, "DEL", name, type, result));
    total.wallMs += wallMs;
    total.cpuMs += cpuMs;
  }
  return total;
}

function round(it: Contestant): Round {
  const { result, ...added } = withAgent(() => add(it, pod));
  return { add: added, del: withAgent(() => del(it, pod, result)) };
}

let agent: AgentProcess | undefined;

/** Adds the agent's time to that of the launcher. */
function withAgent<R extends Omit<Run, "stdout">>(work: () => R): R {
  const beforeMs = agent?.cpuMs() ?? 0;
  const run = work();
  return { ...run, cpuMs: run.cpuMs + (agent?.cpuMs() ?? 0) - beforeMs };
}

function memory(it: Contestant): number {
  const peak = peakMemoryMiB(call(it, "ADD", pod));
  timed(call(it, "DEL", pod));
  return peak;
}

if (import.meta.main) {
  const it = JSON.parse(process.argv[2]!) as Contestant;
  prepareHost();
  command("ip", "netns", "add", pod);
  if (it.label === "agent") agent = await startAgent(it.folder);
  const obey = async (message: Order) => {
    switch (message.order) {
      case "fill":
        fill(it, message.pods);
        return "filled";
      case "round":
        return round(it);
      case "floor":
        return floorRound(bridge, `/run/netns/${pod}`);
      case "memory":
        return memory(it);
      case "connections":
        return (await import("./connections.ts")).connectionsPerSecond(message.pod);
    }
  };
  process.on("message", async (message: Order) => process.send?.(await obey(message)));
  process.on("disconnect", () => {
    agent?.end();
    process.exit(0);
  });
  process.send?.("ready");
}
