/** Ends pods and hosts of a running lab. */
import { closeNetns } from "../../../sys/netns.ts";
import { detachAllBut } from "../attach.ts";
import { stages, stepsKey } from "../hosts.ts";
import { stopServing } from "../servers/serve.ts";
import type { World } from "../world.ts";
import { endPod } from "./pods.ts";

/** Their processes, servers, interfaces and namespaces. Names of none are success. */
export async function stopPods(world: World, names: ReadonlySet<string>): Promise<void> {
  const pods = [...world.pods.values(), ...world.hosts.values()].filter(({ name }) => names.has(name));
  for (const { name } of pods) {
    stopServing(world, name);
    world.commands.forget(name);
  }
  await Promise.all(pods.map((pod) => endPod(pod, world.children)));
  await detach(world, names);
  for (const pod of pods) {
    world.namesInside.remove(pod);
    world.files.remove(pod.name);
    closeNetns(pod.netns);
    world.pods.delete(pod.name);
    forgetHost(world, pod.name);
  }
}

function forgetHost({ hosts, hostSteps }: World, name: string): void {
  if (hosts.delete(name)) for (const stage of stages) hostSteps.delete(stepsKey(name, stage));
}

async function detach(world: World, names: ReadonlySet<string>): Promise<void> {
  const leaving = world.attached.filter(({ pod }) => names.has(pod));
  for (const network of new Set(leaving.map(networkOf))) {
    const of = world.attached.filter((one) => networkOf(one) === network);
    const staying = of.filter(({ pod }) => !names.has(pod));
    await detachAllBut(staying, of.find(({ pod }) => names.has(pod))!);
    world.attached = world.attached.filter((one) => !of.includes(one) || staying.includes(one));
  }
}

/** A network has a bridge on each host. */
const networkOf = ({ host, configuration }: World["attached"][number]) => `${configuration["name"]} on ${host}`;
