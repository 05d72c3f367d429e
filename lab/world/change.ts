/** Makes a running lab another one, and leaves alone all that both have. Bringing up is a change from nothing. */
import { Fault } from "../../conf/fault.ts";
import type { Impairment, Lab, Link } from "../model/lab.ts";
import { type Impaired, impairedAfter } from "../plan/impaired.ts";
import { NamesOfLab } from "../plan/names.ts";
import { attachMissing } from "./attachMissing.ts";
import { changeHosts, startHosts } from "./hosts.ts";
import { connectMissing, disconnect } from "./links.ts";
import { startMissing } from "./pods/startMissing.ts";
import { stopPods } from "./pods/stopPods.ts";
import { serve } from "./servers/serve.ts";
import type { OnProgress, World } from "./world.ts";

export interface Changing {
  readonly lab: Lab;
  /** Pods that end first: those that the lab lacks, and those that are started again. Those that join them are among them. */
  readonly stopped: ReadonlySet<string>;
  readonly onProgress: OnProgress;
  /** Ends the change between two pods, by throwing its reason. */
  readonly signal?: AbortSignal;
  /** Absent: what the file changed, and the rest as it is. */
  readonly impaired?: readonly Impaired[];
}

/**
 * Starts all that the lab has and the world lacks. Answers the names of the pods that it started. Throws the first failure;
 * the world is then between both labs, and another change leads out of it.
 */
export async function change(
  world: World,
  { lab, stopped, onProgress, signal, impaired }: Changing,
): Promise<string[]> {
  for (const one of lab.impairments) refuseImpairment(world, one, lab.file);
  const wanted = impaired ?? impairedAfter(world.impairments.all(), world.lab, lab);
  const gone = world.links.filter((one) => isGone(one, lab, stopped));
  const ends = gone.flatMap((link) => link.ends);
  world.impairments.lift(
    ({ pod, ifname }) => stopped.has(pod) || ends.some((end) => end.pod === pod && end.name === ifname),
  );
  for (const link of gone) {
    disconnect(link, world.pods);
    world.links = world.links.filter((one) => one !== link);
  }
  await stopPods(world, stopped);
  world.lab = lab;
  world.names = new NamesOfLab(lab);
  startHosts(world);
  changeHosts(world, "alone");
  const started = startMissing(world);
  for (const name of [...world.pods.keys(), ...world.hosts.keys()])
    world.files.rename(name, world.names.seenFrom(name));
  await attachMissing(world, onProgress, signal);
  connectMissing(world, started);
  await serve(world);
  world.impairments.setAll(wanted);
  for (const pod of lab.pods)
    if (pod.run !== undefined && started.includes(pod.name)) world.commands.start(pod, world.pods.get(pod.name)!);
  return started;
}

function isGone(link: Link, { links }: Lab, stopped: ReadonlySet<string>): boolean {
  return link.ends.some(({ pod }) => stopped.has(pod)) || !links.some((one) => Bun.deepEquals(one, link));
}

/** A refusal names the place in the file. */
function refuseImpairment({ impairments }: World, { values, place }: Impairment, file: string): void {
  try {
    impairments.refuse(values);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const by = { byHand: true };
    throw new Fault(error.code, `${file}:${place.line}:${place.column}: ${error.sentence(by)}`, error.cure(by));
  }
}
