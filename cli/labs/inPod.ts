/** Runs a program in a pod. */
import { code, Fault } from "../../conf/fault.ts";
import { type InspectedLab, inspect } from "../../lab/supervisor/client.ts";
import type { LabState } from "../../lab/supervisor/state.ts";
import { runInAll } from "../inside/allNamespaces.ts";
import { targetOf } from "../target.ts";
import { named } from "./named.ts";

/** In all namespaces of the pod, with this user's environment and that of the pod. Answers the program's exit code. */
export async function runInPod(state: LabState, pod: string, words: readonly string[]): Promise<number> {
  const lab = await inspect(state);
  const { pid, env } = holderIn(lab, pod);
  if (pid === 0)
    throw new Fault(
      code.unknownContainer,
      `${pod} is dead: its first process has ended`,
      `Start it again: ns-net lab ${lab.hosts.some(({ name }) => name === pod) ? "apply" : `restart ${pod}`}`,
    );
  const target = targetOf(`pid:${pid}`);
  return runInAll({ ...target, spec: pod }, target.path, words, { ...process.env, ...env });
}

/** A pod, the lab's host or outside. Throws Fault. */
function holderIn({ lab, hosts, outside, pods }: InspectedLab, pod: string) {
  const others = [...hosts, ...(outside ? [outside] : [])].map((one) => ({ ...one, env: {} }));
  return named([...pods, ...others], pod, lab);
}
