/** Applies steps in the namespaces of a lab: settings for the most part. */
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { applyRules, applyStep, checkStep, isRules, type Step, undoStep } from "../../step/index.ts";
import { type Netns, openNetns } from "../../sys/netns.ts";
import type { Pod } from "../model/lab.ts";
import { podSteps } from "../plan/steps.ts";
import type { RunningPod } from "./pods/pods.ts";

/** In a pod. */
export function applySteps(steps: readonly Step[], netns: Netns): void {
  if (steps.length === 0) return;
  using kernel = openKernel({ container: openNetns(netns.path) });
  applyAll(steps, kernel);
}

/** Makes the steps of a host those of `after`. A step of both is applied again only if the kernel lost it, with a link for example. */
export function changeHostSteps(before: readonly Step[], after: readonly Step[], host: Netns): void {
  const isIn = (all: readonly Step[], step: Step) => all.some((one) => Bun.deepEquals(one, step));
  using kernel = openKernel({ host });
  const isMissing = (step: Step) => !isIn(before, step) || checkStep(step, kernel).length > 0;
  for (const step of before) if (!isIn(after, step)) undoStep(step, kernel);
  // In order, because a setting may change another: ip_forward sets accept_redirects (inet_forward_change, net/ipv4/devinet.c).
  for (const step of after) if (!isRules(step) && isMissing(step)) applyStep(step, kernel);
  applyRules(
    after.filter((step) => isRules(step) && isMissing(step)),
    kernel,
  );
}

function applyAll(steps: readonly Step[], kernel: Kernel): void {
  for (const step of steps) if (!isRules(step)) applyStep(step, kernel);
  applyRules(steps.filter(isRules), kernel);
}

/** New namespaces are alike, so only the steps that the first one needs are applied to the others: /proc/sys is slow. */
export function prepare(own: readonly Pod[], pods: ReadonlyMap<string, RunningPod>): void {
  const [first, ...others] = own;
  if (first === undefined) return;
  const met = others.length === 0 ? [] : metIn(pods.get(first.name)!.netns);
  const isMet = (step: Step) => met.some((one) => Bun.deepEquals(one, step));
  for (const pod of own) {
    const steps = podSteps(pod).filter((step) => !isMet(step));
    applySteps(steps, pods.get(pod.name)!.netns);
  }
}

function metIn({ path }: Netns): Step[] {
  using kernel = openKernel({ container: openNetns(path) });
  return podSteps().filter((step) => checkStep(step, kernel).length === 0);
}
