/** Links between pods, in the kernel. */
import { deleteHostLink } from "../../kernel/hostLink.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { applyStep } from "../../step/index.ts";
import { openNetns } from "../../sys/netns.ts";
import type { Link } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import { linkRouteSteps, linkSteps } from "../plan/links.ts";
import { sysctlSteps } from "../plan/steps.ts";
import type { RunningPod } from "./pods/pods.ts";
import { applySteps } from "./settings.ts";
import type { World } from "./world.ts";

type Pods = ReadonlyMap<string, RunningPod>;

/** Connects what the lab connects and the world does not yet. Routes through links follow, and settings that may be theirs. */
export function connectMissing(world: World, started: readonly string[]): void {
  const { lab, pods } = world;
  const missing = lab.links.filter((link) => !world.links.some((one) => Bun.deepEquals(one, link)));
  for (const link of missing) {
    world.links = [...world.links, link]; // first: a failure may leave a part of it
    using kernel = openKernelOf(link, pods);
    for (const step of linkSteps(lab, link)) applyStep(step, kernel);
  }
  for (const pod of lab.pods) {
    const ends = endsOf(missing, pod.name);
    if (ends.length === 0 && !started.includes(pod.name)) continue;
    applySteps([...linkRouteSteps(ends, pod), ...sysctlSteps(pod)], pods.get(pod.name)!.netns);
  }
}

/** Deletes both ends. Absent is success; a pod may be dead, or may have renamed its end. */
export function disconnect({ ends }: Link, pods: Pods): void {
  for (const { pod, name } of ends) {
    using kernel = openKernel({ host: pods.get(pod)!.netns });
    if (deleteHostLink(name, kernel)) return;
  }
}

/** The kernel for the steps of a link: its first pod as the host, its second as the container. */
export function openKernelOf({ ends: [one, other] }: Link, pods: Pods): Kernel {
  return openKernel({ host: pods.get(one.pod)!.netns, container: openNetns(pods.get(other.pod)!.netns.path) });
}
