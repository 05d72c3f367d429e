/** Starts the pods that a lab has and that do not run. */
import type { Lab, Pod } from "../../model/lab.ts";
import { netOwnerOf } from "../../plan/names.ts";
import { podSteps } from "../../plan/steps.ts";
import { applySteps, prepare } from "../settings.ts";
import type { World } from "../world.ts";
import { startPod } from "./pods.ts";

/** With their settings, and without an interface. Answers their names; outside is one of them. */
export function startMissing(world: World): string[] {
  const { lab, pods, names, files, namesInside, children } = world;
  const missing = lab.pods.filter(({ name }) => !pods.has(name));
  const own = missing.filter(({ joins }) => joins === undefined);
  const started: string[] = [];
  const start = (name: string, hostname: string, hasDns: boolean, joins?: string) => {
    const mounts = files.mountsFor(name, names.seenFrom(name), hasDns);
    const pod = startPod(
      { name, hostname, mounts, joined: joins === undefined ? undefined : pods.get(joins) },
      children,
    );
    pods.set(name, pod);
    namesInside.add(pod);
    started.push(name);
  };
  // Pods that join another come after it, whatever the order of the file.
  for (const pod of [...own, ...missing.filter((one) => !own.includes(one))])
    start(pod.name, pod.hostname, hasDns(pod, lab), pod.joins);
  prepare(own, pods);
  if (lab.outside && !pods.has("outside")) {
    start("outside", "outside", false);
    applySteps(podSteps(), pods.get("outside")!.netns);
  }
  return started;
}

const hasDns = (pod: Pod, lab: Lab) => netOwnerOf(pod, lab).dns;
