/**
 * A running lab: the namespaces of its pods, connected by the plugin. It lives in the supervisor, whose network namespace
 * is the lab's host, and ends with it.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../conf/fault.ts";
import type { Result } from "../../conf/result/result.ts";
import type { Cidr } from "../../ip/address.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import type { Step } from "../../step/index.ts";
import { applyRules, applyStep, checkStep, isRules } from "../../step/index.ts";
import { type Netns, openNetns, openOwnNetns } from "../../sys/netns.ts";
import { mount } from "../../sys/sysRare.ts";
import type { Target } from "../model/impair.ts";
import type { Impairment, Lab, Link, Pod } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import { type Attaching, attachingsOf, outsideAttaching } from "../plan/configuration.ts";
import { linkRouteSteps, linkSteps } from "../plan/links.ts";
import { NamesOfLab, netOwnerOf } from "../plan/names.ts";
import { hostSteps, outsideSteps, podSteps, sysctlSteps } from "../plan/steps.ts";
import { attach } from "./attach.ts";
import { Children } from "./children.ts";
import { Commands } from "./commands.ts";
import { openDnsServer } from "./dnsServer.ts";
import { PodFiles } from "./files.ts";
import { Impairments, type Interface } from "./impair.ts";
import { nameInside } from "./namesInside.ts";
import { type RunningPod, startJoining, startPod } from "./pods.ts";
import { openServers } from "./servers.ts";

export interface World {
  readonly lab: Lab;
  readonly names: NamesOfLab;
  /** The lab's host: the namespace of this process. */
  readonly host: Netns;
  readonly pods: ReadonlyMap<string, RunningPod>;
  readonly outside: RunningPod | undefined;
  readonly attached: readonly Attached[];
  readonly commands: Commands;
  readonly impairments: Impairments;
}

/** An interface of a pod or outside, with the plugin's answer. */
export interface Attached extends Attaching {
  readonly netnsPath: string;
  readonly result: Result;
}

/** Called for each thing that is done. */
export type OnProgress = (done: number, total: number, what: string) => void;

/** A command with a mistake ends within this time, and then `up` fails. */
const settleMs = 80;

/** Brings a lab up in the namespaces of this process. Throws the first failure; what was started ends with the process. */
export async function bringUp(lab: Lab, folder: string, onProgress: OnProgress): Promise<World> {
  const host = openOwnNetns();
  const names = new NamesOfLab(lab);
  const files = new PodFiles(folder);
  const [pods, outside] = startPods(lab, names, files);
  const all = [...pods.values(), ...(outside ? [outside] : [])];
  const pathOf = nameInside(all);
  for (const one of files.mountsFor("host", names.seenFrom("host"), false))
    mount(one.source, one.target, one.type, one.flags);
  applySteps(hostSteps(lab));
  prepare(
    lab.pods.filter(({ joins }) => joins === undefined),
    pods,
  );
  if (outside) applySteps(podSteps(), outside.netns);
  const attached = await attachAll(lab, folder, pathOf, onProgress);
  connectLinks(lab, pods);
  await serve(lab, names, pods);
  if (outside) await openServers(outsidePod, outside.netns, []);
  const impairments = new Impairments(lab, (target) => interfaceOf(target, { lab, host, pods, attached }));
  for (const one of lab.impairments) impair(impairments, one, lab.file);
  const children = new Children();
  for (const pod of all) {
    children.watch(pod.pid, () => {
      pod.isAlive = false;
    });
  }
  const commands = new Commands(children);
  for (const pod of lab.pods) if (pod.run !== undefined) commands.start(pod, pods.get(pod.name)!);
  if (commands.all.size > 0) await commands.settle(settleMs);
  return { lab, names, host, pods, outside, attached, commands, impairments };
}

/** Pods that join another come after it, whatever the order of the file. */
function startPods(lab: Lab, names: NamesOfLab, files: PodFiles): [Map<string, RunningPod>, RunningPod | undefined] {
  const running = new Map<string, RunningPod>();
  const inOrder = [...lab.pods].sort((a, b) => Number(a.joins !== undefined) - Number(b.joins !== undefined));
  for (const pod of inOrder) {
    const mounts = files.mountsFor(pod.name, names.seenFrom(pod.name), hasDns(pod, lab));
    const started =
      pod.joins === undefined
        ? startPod(pod.name, pod.hostname, mounts)
        : startJoining(pod.name, running.get(pod.joins)!, mounts);
    running.set(pod.name, started);
  }
  const outside =
    lab.outside && startPod("outside", "outside", files.mountsFor("outside", names.seenFrom("outside"), false));
  return [running, outside];
}

const hasDns = (pod: Pod, lab: Lab) => netOwnerOf(pod, lab).dns;

/** New namespaces are alike, so only the steps that the first one needs are applied to the others: /proc/sys is slow. */
function prepare(own: readonly Pod[], pods: ReadonlyMap<string, RunningPod>): void {
  const [first] = own;
  if (first === undefined) return;
  using kernel = openKernel({ container: openNetns(pods.get(first.name)!.netns.path) });
  const met = podSteps().filter((step) => checkStep(step, kernel).length === 0);
  const isMet = (step: Step) => met.some((one) => Bun.deepEquals(one, step));
  for (const pod of own) {
    const steps = podSteps(pod).filter((step) => !isMet(step));
    applySteps(steps, pods.get(pod.name)!.netns);
  }
}

function applySteps(steps: readonly Step[], netns?: Netns): void {
  using kernel = openKernel(netns === undefined ? {} : { container: openNetns(netns.path) });
  for (const step of steps) if (!isRules(step)) applyStep(step, kernel);
  applyRules(steps.filter(isRules), kernel);
}

/** The kernel for the steps of a link: its first pod as the host, its second as the container. */
export function openKernelOf({ ends: [one, other] }: Link, pods: World["pods"]): Kernel {
  return openKernel({ host: pods.get(one.pod)!.netns, container: openNetns(pods.get(other.pod)!.netns.path) });
}

/** Links, the routes through them, and settings that may be those of interfaces. */
function connectLinks(lab: Lab, pods: ReadonlyMap<string, RunningPod>): void {
  for (const link of lab.links) {
    using kernel = openKernelOf(link, pods);
    for (const step of linkSteps(lab, link)) applyStep(step, kernel);
  }
  for (const pod of lab.pods) {
    const steps = [...linkRouteSteps(endsOf(lab.links, pod.name), pod), ...sysctlSteps(pod)];
    if (steps.length > 0) applySteps(steps, pods.get(pod.name)!.netns);
  }
}

/** In the order of the file; outside comes first, because the host's default route leads there. */
async function attachAll(
  lab: Lab,
  folder: string,
  pathOf: (pod: string) => string,
  onProgress: OnProgress,
): Promise<Attached[]> {
  const dataDir = join(folder, "leases");
  mkdirSync(dataDir, { recursive: true });
  const toOutside = lab.outside ? [outsideAttaching(lab.outside, dataDir)] : [];
  const all = [...toOutside, ...attachingsOf(lab, dataDir)];
  const attached: Attached[] = [];
  for (const one of all) {
    const netnsPath = pathOf(one.pod);
    const result = await attach(one, netnsPath);
    if (one.pod === "outside") applySteps(outsideSteps(lab, hostLinkOf(result)));
    attached.push({ ...one, netnsPath, result });
    onProgress(attached.length, all.length, one.pod);
  }
  return attached;
}

function addressesOf({ links }: Lab, pod: Pod): Cidr[] {
  return [...pod.interfaces, ...endsOf(links, pod.name)].flatMap((one) => one.addresses);
}

/** A refusal names the place in the file. */
function impair(impairments: Impairments, { targets, direction, values, place }: Impairment, file: string): void {
  try {
    impairments.change(targets, direction, values);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const by = { byHand: true };
    throw new Fault(error.code, `${file}:${place.line}:${place.column}: ${error.sentence(by)}`, error.cure(by));
  }
}

type Connected = Pick<World, "lab" | "host" | "pods" | "attached">;

/** Both ends of an interface of a pod. */
function interfaceOf({ pod, ifname }: Target, { lab, host, pods, attached }: Connected): Interface {
  const ownNetns = pods.get(pod)!.netns;
  for (const { ends } of lab.links) {
    const place = ends.findIndex((end) => end.pod === pod && end.name === ifname);
    const other = ends[1 - place];
    if (place >= 0 && other)
      return { own: ifname, other: other.name, ownNetns, otherNetns: pods.get(other.pod)!.netns, otherPod: other.pod };
  }
  const { result } = attached.find((one) => one.pod === pod && one.ifname === ifname)!;
  return { own: ifname, other: hostLinkOf(result), ownNetns, otherNetns: host, otherPod: undefined };
}

/** The host's end of the veth pair that an ADD made. */
export function hostLinkOf({ interfaces = [] }: Result): string {
  return interfaces.find(({ sandbox, name }) => !sandbox && name.startsWith("nsv"))?.name ?? "";
}

/** Outside answers ping and HTTP. */
const outsidePod = { name: "outside", serve: [{ kind: "http", port: 80 }] } as const;

async function serve(lab: Lab, names: NamesOfLab, pods: ReadonlyMap<string, RunningPod>): Promise<void> {
  for (const pod of lab.pods) {
    const { netns } = pods.get(pod.name)!;
    const addresses = addressesOf(lab, netOwnerOf(pod, lab));
    await openServers(pod, netns, addresses);
    if (pod.joins === undefined && pod.dns) await openDnsServer(netns, names.seenFrom(pod.name));
  }
}
