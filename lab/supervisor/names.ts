/** Names of a lab's network namespaces in /run/netns, for `ip netns exec`. Only root makes them. */
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { code, Fault } from "../../conf/fault.ts";
import { shareNames } from "../../kernel/newNamespace.ts";
import { netnsFolder, netnsIdentity } from "../../sys/netns.ts";
import { mount, mountFlag, unmount } from "../../sys/sysRare.ts";
import type { Lab } from "../model/lab.ts";
import { processesOf } from "./processes.ts";
import { everyLab, readState } from "./state.ts";

export const makesNames = () => process.geteuid!() === 0;

const nameOf = (lab: string, pod: string) => `${lab}-${pod}`;

export const pathOf = (lab: string, pod: string) => `${netnsFolder}/${nameOf(lab, pod)}`;

/**
 * The names for pods, the host and outside; none for an ordinary user. Throws Fault if one is taken: `a` of lab `x-y` and
 * `y-a` of lab `x` collide. Call it under the lock of names, and write them into the lab's state under it.
 */
export function freeNames(lab: string, pods: readonly string[]): string[] {
  if (!makesNames()) return [];
  const ofLabs = new Map(
    everyLab()
      .filter((other) => other !== lab)
      .flatMap((other) => (readState(other)?.names ?? []).map((name) => [name, other])),
  );
  return pods.map((pod) => {
    const name = nameOf(lab, pod);
    const owner = ofLabs.get(name);
    if (owner === undefined && !existsSync(`${netnsFolder}/${name}`)) return name;
    throw new Fault(
      code.config,
      `The namespace of ${pod} needs the name ${netnsFolder}/${name}, and ${owner ? `the lab ${owner} has it` : "it exists"}`,
      owner
        ? `End that one (ns-net lab down --lab ${owner}), or give this lab another name`
        : "Give this lab another name",
    );
  });
}

/** Makes the folder of names, before a supervisor starts: inside, a lab has names where the machine has such a folder. */
export function prepareNames(): void {
  if (makesNames()) shareNames();
}

/** `pids` by name of pod, host or outside, as this process sees them. */
export function nameNamespaces(lab: string, pids: ReadonlyMap<string, number>): void {
  if (!makesNames()) return;
  for (const [pod, pid] of pids) {
    const path = pathOf(lab, pod);
    closeSync(openSync(path, "wx", 0o444));
    mount(`/proc/${pid}/ns/net`, path, "none", mountFlag.bind);
  }
}

/** All that hold namespaces of a lab: pods, hosts and outside. */
export const holderNames = ({ pods, hosts, outside }: Lab): string[] => [
  ...[...pods, ...hosts].map(({ name }) => name),
  ...(outside ? ["outside"] : []),
];

/** The names for pods, hosts and outside; none for an ordinary user. */
export const namesOf = (lab: string, holders: readonly string[]): string[] =>
  makesNames() ? holders.map((holder) => nameOf(lab, holder)) : [];

/** A pod, the host or outside, as a supervisor describes it. */
interface Held {
  readonly name: string;
  readonly pid: number;
  readonly inode: number;
}

/**
 * Makes names lead to the namespaces that these hold now, and removes the others of `names`. `init` is the lab's first
 * process.
 */
export function correctNames(lab: string, init: number, held: readonly Held[], names: readonly string[]): void {
  if (!makesNames()) return;
  const there = held.filter(({ pid }) => pid !== 0);
  const stale = there.filter(({ name, inode }) => netnsIdentity(pathOf(lab, name))?.inode !== BigInt(inode));
  const wanted = there.map(({ name }) => nameOf(lab, name));
  removeNames([...names.filter((name) => !wanted.includes(name)), ...stale.map(({ name }) => nameOf(lab, name))]);
  nameNamespaces(lab, processesOf(init, stale));
}

/** Removes names in /run/netns. They would keep the namespaces of a killed lab alive. Absent is success. */
export function removeNames(names: readonly string[]): void {
  if (!makesNames()) return;
  for (const name of names) {
    const path = `${netnsFolder}/${name}`;
    while (unmount(path)); // where another program mounted the folder over itself there are several
    rmSync(path, { force: true });
  }
}
