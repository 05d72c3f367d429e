/** Names of a lab's network namespaces in /run/netns, for `ip netns exec`. Only root makes them. */
import { closeSync, existsSync, mkdirSync, openSync, rmSync } from "node:fs";
import { code, Fault } from "../../conf/fault.ts";
import { netnsFolder } from "../../sys/netns.ts";
import { mount, mountFlag, unmount } from "../../sys/sysRare.ts";

export const makesNames = () => process.geteuid!() === 0;

export const nameOf = (lab: string, pod: string) => `${lab}-${pod}`;

export const pathOf = (lab: string, pod: string) => `${netnsFolder}/${nameOf(lab, pod)}`;

/** `pods` are the names of pods, the host and outside. Throws Fault if one is taken: `a` of lab `x-y` and `y-a` of lab `x` collide. */
export function refuseTakenNames(lab: string, pods: readonly string[]): void {
  const taken = makesNames() ? pods.find((pod) => existsSync(pathOf(lab, pod))) : undefined;
  if (taken === undefined) return;
  throw new Fault(
    code.config,
    `${pathOf(lab, taken)} exists, and the namespace of ${taken} needs that name`,
    "End the lab that has it (ns-net lab ls), or give this lab another name",
  );
}

/** `pids` by name of pod, host or outside, as this process sees them. */
export function nameNamespaces(lab: string, pids: ReadonlyMap<string, number>): void {
  if (!makesNames()) return;
  mkdirSync(netnsFolder, { recursive: true });
  for (const [pod, pid] of pids) {
    const path = pathOf(lab, pod);
    closeSync(openSync(path, "wx", 0o444));
    mount(`/proc/${pid}/ns/net`, path, "none", mountFlag.bind);
  }
}

/** Removes names in /run/netns. They would keep the namespaces of a killed lab alive. Absent is success. */
export function removeNames(names: readonly string[]): void {
  if (!makesNames()) return;
  for (const name of names) {
    unmount(`${netnsFolder}/${name}`);
    rmSync(`${netnsFolder}/${name}`, { force: true });
  }
}
