/** Names of a lab's network namespaces in /run/netns, for `ip netns exec`. Only root makes them. */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { netnsFolder } from "../../sys/netns.ts";
import { mount, mountFlag, unmount } from "../../sys/sysRare.ts";

const nameOf = (lab: string, pod: string) => `${lab}-${pod}`;

/** `pids` by name of pod, host or outside, as this process sees them. */
export function nameNamespaces(lab: string, pids: ReadonlyMap<string, number>): void {
  if (process.geteuid!() !== 0) return;
  mkdirSync(netnsFolder, { recursive: true });
  for (const [pod, pid] of pids) {
    const path = `${netnsFolder}/${nameOf(lab, pod)}`;
    closeSync(openSync(path, "wx", 0o444));
    mount(`/proc/${pid}/ns/net`, path, "none", mountFlag.bind);
  }
}

/** Removes the names of a lab. They would keep the namespaces of a killed lab alive. */
export function removeNames(lab: string, pods: readonly string[]): void {
  if (process.geteuid!() !== 0) return;
  const names = new Set(pods.map((pod) => nameOf(lab, pod)));
  for (const name of present()) {
    if (!names.has(name)) continue;
    unmount(`${netnsFolder}/${name}`);
    rmSync(`${netnsFolder}/${name}`, { force: true });
  }
}

function present(): string[] {
  try {
    return readdirSync(netnsFolder);
  } catch {
    return [];
  }
}
