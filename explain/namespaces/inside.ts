/** The container that a network namespace belongs to. */
import type { Container } from "../containers/container.ts";
import type { Namespace } from "./everyNamespace.ts";

/**
 * Containers by the inode of their network namespace, the one that made the namespace first: the sandbox of a pod.
 * Containers without a namespace of their own are left out.
 */
export function containersByInode(
  all: readonly Pick<Namespace, "inode" | "isOwn" | "processes">[],
  containers: readonly Container[],
): ReadonlyMap<number, Container> {
  const byPid = new Map<number, Container[]>();
  for (const one of containers) {
    if (one.pid !== undefined) byPid.set(one.pid, [...(byPid.get(one.pid) ?? []), one]);
  }
  const found = new Map<number, Container>();
  for (const { inode, isOwn, processes } of all) {
    if (isOwn) continue;
    const inside = processes.flatMap(({ pid }) => byPid.get(pid) ?? []);
    const first = inside.find(({ names }) => names[0]?.includes("/") !== true) ?? inside[0];
    if (first !== undefined) found.set(inode, first);
  }
  return found;
}
