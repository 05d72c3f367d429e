/** The hosts of a running lab: their namespaces and their steps. */
import type { Step } from "../../step/index.ts";
import type { Netns } from "../../sys/netns.ts";
import { uplink } from "../model/hosts.ts";
import type { Host } from "../model/lab.ts";
import { acrossSteps, straySteps } from "../plan/hosts.ts";
import { hostSteps, outsideSteps, underlaySteps } from "../plan/steps.ts";
import { hostLinkOf } from "./interfaces.ts";
import { startPod } from "./pods/pods.ts";
import { changeHostSteps } from "./settings.ts";
import type { World } from "./world.ts";

/** When steps of a host can be applied: at once, with its interface on the underlay, with its pods. */
export const stages = ["alone", "connected", "with pods"] as const;
type Stage = (typeof stages)[number];

/** The key of the steps that a host has. */
export const stepsKey = (host: string, stage: Stage) => `${host} ${stage}`;

/** Several hosts have namespaces like those of pods. A lab's only host is this process. */
export function startHosts({ lab, hosts, names, files, namesInside, children }: World): void {
  if (lab.underlay === undefined) return;
  for (const { name } of lab.hosts) {
    if (hosts.has(name)) continue;
    const mounts = files.mountsFor(name, names.seenFrom(name), false);
    const host = startPod({ name, hostname: name, mounts, joined: undefined }, children);
    hosts.set(name, host);
    namesInside.add(host);
  }
}

/** Gives each host the steps of a stage, and takes away those that it had in this stage and the lab does not need. */
export function changeHosts(world: World, stage: Stage): void {
  for (const { name, netns, steps } of wanted(world, stage)) {
    const key = stepsKey(name, stage);
    const before = world.hostSteps.get(key) ?? [];
    world.hostSteps.delete(key); // not known if this fails
    changeHostSteps(before, steps, netns);
    world.hostSteps.set(key, steps);
  }
}

/** All steps of a host, in order. */
export const stepsOfHost = (world: World, host: Host): Step[] => stages.flatMap((stage) => stepsOf(world, host, stage));

function wanted(world: World, stage: Stage): { name: string; netns: Netns; steps: Step[] }[] {
  const { lab, hosts, own } = world;
  const ofHosts = lab.hosts.map((host) => {
    return { name: host.name, netns: hosts.get(host.name)!.netns, steps: stepsOf(world, host, stage) };
  });
  if (lab.underlay === undefined || stage !== "alone") return ofHosts;
  return [{ name: "the underlay", netns: own, steps: underlaySteps() }, ...ofHosts];
}

function stepsOf({ lab, attached }: World, host: Host, stage: Stage): Step[] {
  if (stage === "alone") return hostSteps(lab, host);
  if (stage === "with pods") return straySteps(lab, host);
  const toOutside = attached.find(({ pod }) => pod === "outside");
  const link = lab.underlay ? uplink : toOutside && hostLinkOf(toOutside.result);
  return [...acrossSteps(lab, host), ...(toOutside && link ? outsideSteps(lab, link) : [])];
}
