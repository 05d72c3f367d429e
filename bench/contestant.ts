/**
 * One plugin with one configuration in a sandbox of its own: a host with an uplink, a bridge, and as many pods as asked.
 * Runs as a process of its own inside that sandbox and does what bench/main.ts orders, so that nothing but the plugin's
 * process lies between two readings of the clock.
 */
import { floorRound } from "./floor.ts";
import { peakMemoryMiB } from "./memory.ts";
import { type Program, type Run, timed } from "./process.ts";

export interface Contestant {
  readonly label: "ns-net" | "reference";
  readonly plugin: string;
  /** CNI_PATH, where the reference finds host-local. */
  readonly pluginPath: string;
  readonly type: string;
  readonly ipMasq: boolean;
}

export type Order =
  | { readonly order: "fill"; readonly pods: number }
  | { readonly order: "round" }
  | { readonly order: "floor" }
  | { readonly order: "memory" };

export interface Round {
  readonly add: Omit<Run, "stdout">;
  readonly del: Omit<Run, "stdout">;
}

export const bridge = "cni0";

export function command(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(words);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
}

/** Plugins look at the host's default route; traffic through it is not part of this. */
export function prepareHost(): void {
  command("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "far");
  command("ip", "address", "add", "192.0.2.2/24", "dev", "uplink");
  command("ip", "link", "set", "uplink", "up");
  command("ip", "link", "set", "far", "up");
  command("ip", "route", "add", "default", "via", "192.0.2.1");
}

export function call(it: Contestant, verb: "ADD" | "DEL", pod: string, prevResult?: unknown): Program {
  const config = {
    cniVersion: "1.0.0",
    name: "bench",
    type: it.type,
    bridge,
    isGateway: true,
    ipMasq: it.ipMasq,
    hairpinMode: true,
    ipam: { type: "host-local", ranges: [[{ subnet: "10.88.0.0/16" }]], routes: [{ dst: "0.0.0.0/0" }] },
    ...(prevResult !== undefined && { prevResult }),
  };
  const environment = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: pod,
    CNI_NETNS: `/run/netns/${pod}`,
    CNI_IFNAME: "eth0",
    CNI_PATH: it.pluginPath,
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  };
  return { path: it.plugin, environment, stdin: JSON.stringify(config) };
}

let attached = 0;

/** Attaches pods until there are so many, by the contestant itself. */
function fill(it: Contestant, pods: number): void {
  for (; attached < pods; attached++) {
    command("ip", "netns", "add", `filler-${attached}`);
    timed(call(it, "ADD", `filler-${attached}`));
  }
}

/** The measured pod's namespace stays: the kernel clears a namespace away in the background, into the next measurement. */
const pod = "measured";

function round(it: Contestant): Round {
  const { stdout, ...add } = timed(call(it, "ADD", pod));
  const { stdout: _, ...del } = timed(call(it, "DEL", pod, JSON.parse(stdout)));
  return { add, del };
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
  const obey = (message: Order) => {
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
    }
  };
  process.on("message", (message: Order) => process.send?.(obey(message)));
  process.on("disconnect", () => process.exit(0));
  process.send?.("ready");
}
