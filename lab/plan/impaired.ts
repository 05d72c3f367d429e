/** The impairments of a lab's file, by interface. Pure. */
import type { Target } from "../model/impair.ts";
import type { Lab } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import { changedSettings, type Settings, unimpaired } from "./impair.ts";

/** The settings of one interface. */
export interface Impaired {
  readonly target: Target;
  readonly settings: Settings;
}

export const keyOfTarget = ({ pod, ifname }: Target) => `${pod} ${ifname}`;

/** By interface. Several entries may name one. */
export function impairedBy({ impairments }: Pick<Lab, "impairments">): Map<string, Impaired> {
  const all = new Map<string, Impaired>();
  for (const { targets, direction, values } of impairments) {
    for (const target of targets) {
      const { settings } = all.get(keyOfTarget(target)) ?? { settings: unimpaired };
      all.set(keyOfTarget(target), { target, settings: changedSettings(settings, direction, values) });
    }
  }
  return all;
}

/** The settings after a change of the file. Those of `lab impair` stay where the file is the same. */
export function impairedAfter(now: readonly Impaired[], before: Lab, after: Lab): Impaired[] {
  const [old, wanted] = [impairedBy(before), impairedBy(after)];
  const isSame = (key: string) => Bun.deepEquals(old.get(key), wanted.get(key));
  const kept = now.filter(({ target }) => isSame(keyOfTarget(target)) && hasInterface(after, target));
  return [...kept, ...[...wanted].filter(([key]) => !isSame(key)).map(([, one]) => one)];
}

function hasInterface(lab: Lab, { pod, ifname }: Target): boolean {
  if (lab.underlay && lab.hosts.some(({ name }) => name === pod)) return true;
  const own = lab.pods.find(({ name }) => name === pod)?.interfaces ?? [];
  return [...own, ...endsOf(lab.links, pod)].some(({ name }) => name === ifname);
}
