/** Compares a running lab with the kernel. */
import { openKernel } from "../../kernel/kernel.ts";
import { faultOf } from "../../plugin/faults.ts";
import { checkStep, type Step } from "../../step/index.ts";
import { differenceText } from "../../step/kind.ts";
import { openNetns } from "../../sys/netns.ts";
import type { Lab, Pod } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import { linkRouteSteps, linkSteps } from "../plan/links.ts";
import { hostSteps, outsideSteps, podSteps, sysctlSteps } from "../plan/steps.ts";
import { checkAttached } from "./attach.ts";
import { hostLinkOf } from "./interfaces.ts";
import { openKernelOf } from "./links.ts";
import type { World } from "./world.ts";

/** A sentence for each difference; none if the lab is as it was made. */
export async function checkWorld({ lab, pods, attached, impairments }: World): Promise<string[]> {
  const found = differencesOf("host", [...hostSteps(lab), ...stepsToOutside(lab, attached)]);
  for (const pod of pods.values()) if (!pod.isAlive) found.push(`${pod.name} is dead: its first process has ended`);
  const isAlive = (name: string) => pods.get(name)!.isAlive;
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
    if (impairments.isDown(one) || !isAlive(one.pod)) continue;
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

function stepsToOutside(lab: Lab, attached: World["attached"]): Step[] {
  const toOutside = attached.find(({ pod }) => pod === "outside");
  return toOutside ? outsideSteps(lab, hostLinkOf(toOutside.result)) : [];
}

function differencesOf(name: string, steps: readonly Step[], netnsPath?: string): string[] {
  using kernel = openKernel(netnsPath === undefined ? {} : { container: openNetns(netnsPath) });
  return steps.flatMap((step) => checkStep(step, kernel).map((one) => `${name}: ${differenceText(one)}`));
}
