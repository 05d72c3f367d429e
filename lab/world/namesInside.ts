/**
 * Names of the pods' namespaces inside of the lab, where `ip netns` finds them. The machine's own names and network
 * configurations are hidden there.
 */
import { closeSync, existsSync, openSync } from "node:fs";
import { netnsFolder } from "../../sys/netns.ts";
import { mount, mountFlag } from "../../sys/sysRare.ts";
import type { RunningPod } from "./pods.ts";

/** Runtimes keep the machine's networks there. */
const configurationFolder = "/etc/cni/net.d";

/**
 * Names each namespace in the mount namespace of this process, and answers the path of each pod's. Where the machine has no
 * such folder there are no names, and the path is that of the process.
 */
export function nameInside(pods: readonly RunningPod[]): (pod: string) => string {
  if (existsSync(configurationFolder)) mount("tmpfs", configurationFolder, "tmpfs", 0);
  const pathOf = new Map(pods.map(({ name, netns }) => [name, netns.path]));
  if (existsSync(netnsFolder)) {
    mount("tmpfs", netnsFolder, "tmpfs", 0);
    for (const { name, netns } of pods) {
      const path = `${netnsFolder}/${name}`;
      closeSync(openSync(path, "wx", 0o444));
      mount(netns.path, path, "none", mountFlag.bind);
      pathOf.set(name, path);
    }
  }
  return (pod) => pathOf.get(pod)!;
}
