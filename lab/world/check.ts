/** Compares a running lab with the kernel. */
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { faultOf } from "../../plugin/faults.ts";
import { checkStep, type Step } from "../../step/index.ts";
import { differenceText } from "../../step/kind.ts";
import { type Netns, openNetns } from "../../sys/netns.ts";
import type { Lab, Pod } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import { linkRouteSteps, linkSteps } from "../plan/links.ts";
import { podSteps, sysctlSteps, underlaySteps } from "../plan/steps.ts";
import { checkAttached } from "./attach.ts";
import { stepsOfHost } from "./hosts.ts";
import { openKernelOf } from "./links.ts";
import type { World } from "./world.ts";

/** A sentence for each difference; none if the lab is as it was made. */
export async function checkWorld(world: World): Promise<string[]> {
  const { lab, own, hosts, pods, attached, impairments } = world;
  const found = lab.underlay ? differencesAtHost("the underlay", underlaySteps(), own) : [];
  for (const host of lab.hosts) {
    const { isAlive, netns } = hosts.get(host.name)!;
    if (isAlive) found.push(...differencesAtHost(host.name, stepsOfHost(world, host), netns));
    else found.push(`${host.name} is dead: its first process has ended`);
  }
  const isAlive = (name: string) => pods.get(name)?.isAlive === true;
  for (const { name } of lab.pods) if (!isAlive(name)) found.push(`${name} is dead: its first process has ended`);
  for (const pod of lab.pods.filter(({ name, joins }) => joins === undefined && isAlive(name)))
    found.push(...differencesOf(pod.name, ownSteps(pod, lab, impairments), pods.get(pod.name)!.netns.path));
  const outside = pods.get("outside");
  if (outside?.isAlive) found.push(...differencesOf("outside", podSteps(), outside.netns.path));
  for (const link of lab.links) {
    const isDown = link.ends.some(({ pod, name }) => !isAlive(pod) || impairments.isDown({ pod, ifname: name }));
    if (isDown) continue;
    using kernel = openKernelOf(link, pods);
    const name = link.ends.map(({ pod }) => pod).join(" and ");
    for (const step of linkSteps(lab, link))
      found.push(...checkStep(step, kernel).map((one) => `${name}: ${differenceText(one)}`));
  }
  for (const one of attached) {
    const ends = [one.pod, one.host ?? one.pod].map((name) => pods.get(name) ?? hosts.get(name));
    if (impairments.isDown(one) || ends.some((end) => end?.isAlive === false)) continue;
    try {
      await checkAttached(one);
    } catch (error) {
      found.push(faultOf(error).message);
    }
  }
  return [...found, ...impairments.check()];
}

/** A link that is down has no routes. */
function ownSteps(pod: Pod, lab: Lab, impairments: World["impairments"]): Step[] {
  const up = endsOf(lab.links, pod.name).filter(({ name }) => !impairments.isDown({ pod: pod.name, ifname: name }));
  return [...podSteps(pod), ...sysctlSteps(pod), ...linkRouteSteps(up, pod)];
}

function differencesOf(name: string, steps: readonly Step[], netnsPath: string): string[] {
  using kernel = openKernel({ container: openNetns(netnsPath) });
  return sentences(name, steps, kernel);
}

function differencesAtHost(name: string, steps: readonly Step[], host: Netns): string[] {
  using kernel = openKernel({ host });
  return sentences(name, steps, kernel);
}

const sentences = (name: string, steps: readonly Step[], kernel: Kernel) =>
  steps.flatMap((step) => checkStep(step, kernel).map((one) => `${name}: ${differenceText(one)}`));
