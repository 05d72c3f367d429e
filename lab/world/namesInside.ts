/**
 * Names of the pods' namespaces inside of the lab, where `ip netns` finds them. The machine's own names and network
 * configurations are hidden there.
 */
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { netnsFolder } from "../../sys/netns.ts";
import { mount, mountFlag, unmount } from "../../sys/sysRare.ts";
import type { RunningPod } from "./pods.ts";

/** Runtimes keep the machine's networks there. */
const configurationFolder = "/etc/cni/net.d";

export class NamesInside {
  readonly #isHidden = existsSync(netnsFolder);

  constructor() {
    if (existsSync(configurationFolder)) mount("tmpfs", configurationFolder, "tmpfs", 0);
    if (this.#isHidden) mount("tmpfs", netnsFolder, "tmpfs", 0);
  }

  /** Where the machine has no such folder there are no names, and the path of a namespace is that of its process. */
  pathOf({ name, netns }: Named): string {
    return this.#isHidden ? `${netnsFolder}/${name}` : netns.path;
  }

  add(pod: Named): void {
    if (!this.#isHidden) return;
    const path = this.pathOf(pod);
    closeSync(openSync(path, "wx", 0o444));
    mount(pod.netns.path, path, "none", mountFlag.bind);
  }

  remove(pod: Named): void {
    if (!this.#isHidden) return;
    unmount(this.pathOf(pod));
    rmSync(this.pathOf(pod), { force: true });
  }
}

type Named = Pick<RunningPod, "name" | "netns">;
