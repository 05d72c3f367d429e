/**
 * A running lab: the namespaces of its pods, connected by the plugin. It lives in the supervisor, whose network namespace
 * is the lab's host, and ends with it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../../conf/call.ts";
import { parseRequest } from "../../conf/parse.ts";
import { formatAddress } from "../../ip/address.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { add } from "../../plugin/add.ts";
import { applyStep } from "../../step/index.ts";
import { openOwnNetns } from "../../sys/netns.ts";
import type { Lab, Pod } from "../model/lab.ts";
import { type Attaching, attachingsOf, outsideAttaching } from "./configuration.ts";
import { hostsFileOf, netOwnerOf } from "./hosts.ts";
import { closePod, type RunningPod, setSysctls, startCommand, startJoining, startPod } from "./pods.ts";
import { openServers } from "./servers.ts";

export interface World {
  readonly lab: Lab;
  readonly pods: ReadonlyMap<string, RunningPod>;
  readonly outside: RunningPod | undefined;
}

/** Where a lab keeps its files: leases, hosts files, logs. */
export interface Place {
  readonly folder: string;
  /** A descriptor of /dev/null. */
  readonly nothing: number;
  openLog(pod: string): number;
}

/** Brings a lab up in the namespaces of this process. Throws the first failure; what was started ends with the process. */
export async function bringUp(lab: Lab, place: Place): Promise<World> {
  const host = openOwnNetns();
  setSysctls(host, false); // the plugin turns forwarding on where a network has a gateway
  const dataDir = join(place.folder, "leases");
  const pods = startPods(lab, place);
  const outside =
    lab.outside && startPod("outside", "outside", writtenHosts(place, "outside", "127.0.0.1 localhost\n"));
  if (outside && lab.outside) await connectOutside(outside, outsideAttaching(lab.outside, dataDir), lab);
  for (const one of attachingsOf(lab, dataDir)) await attach(one, pods.get(one.pod)!);
  for (const pod of lab.pods) {
    const addresses = netOwnerOf(pod, lab).interfaces.flatMap((one) => one.addresses);
    await openServers(pod, pods.get(pod.name)!.netns, addresses);
  }
  for (const pod of lab.pods) if (pod.run !== undefined) run(pod, pods.get(pod.name)!, place);
  return { lab, pods, outside };
}

export function closeWorld({ pods, outside }: World): void {
  for (const pod of [...pods.values(), ...(outside ? [outside] : [])]) closePod(pod);
}

/** Pods that join another come after it, whatever the order of the file. */
function startPods(lab: Lab, place: Place): Map<string, RunningPod> {
  const running = new Map<string, RunningPod>();
  const inOrder = [...lab.pods].sort((a, b) => Number(a.joins !== undefined) - Number(b.joins !== undefined));
  for (const pod of inOrder) {
    const hosts = writtenHosts(place, pod.name, hostsFileOf(pod, lab));
    const started =
      pod.joins === undefined
        ? startPod(pod.name, pod.hostname, hosts)
        : startJoining(pod.name, running.get(pod.joins)!, hosts);
    if (pod.joins === undefined) setSysctls(started.netns, false);
    running.set(pod.name, started);
  }
  return running;
}

function writtenHosts(place: Place, pod: string, text: string): string {
  const file = join(place.folder, "hosts", pod);
  mkdirSync(join(place.folder, "hosts"), { recursive: true });
  writeFileSync(file, text);
  return file;
}

async function attach({ pod, ifname, configuration }: Attaching, { pid }: RunningPod) {
  const env = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: pod,
    CNI_NETNS: `/proc/${pid}/ns/net`,
    CNI_IFNAME: ifname,
    CNI_PATH: "/nowhere",
  };
  const stdin = new TextEncoder().encode(JSON.stringify(configuration));
  return add(parseRequest(env, stdin), callOf(env, stdin));
}

/** The lab's host sends whatever it has no other route for to outside. */
async function connectOutside(outside: RunningPod, attaching: Attaching, lab: Lab): Promise<void> {
  const { result } = await attach(attaching, outside);
  const link = result.interfaces[0]!.name;
  using kernel = openKernel();
  for (const address of lab.outside!.addresses) {
    const dst = address.family === 4 ? "0.0.0.0/0" : "::/0";
    applyStep({ kind: "route", where: "host", link, dst, gw: formatAddress(address) }, kernel);
  }
}

function callOf(env: Call["env"], stdin: Uint8Array): Call {
  return {
    env,
    stdin,
    argv0: "ns-net",
    id: `lab ${process.pid}`,
    interruption: { came: async () => undefined, passTo: () => ({ [Symbol.dispose]() {} }) },
    stderr: () => {},
  };
}

function run(pod: Pod, running: RunningPod, place: Place): void {
  const environment = { PATH: process.env["PATH"], HOME: "/", ...pod.env };
  startCommand(running, pod.run!, environment, [place.nothing, place.openLog(pod.name)]);
}
