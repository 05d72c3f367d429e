/**
 * Names of the pods' namespaces inside of the lab, where `ip netns` finds them. The machine's own names and network
 * configurations are hidden there.
 */
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { netnsFolder } from "../../sys/netns.ts";
import { mount, mountFlag, unmount } from "../../sys/sysRare.ts";
import { mountOwnRun } from "./ownRun.ts";
import type { RunningPod } from "./pods/pods.ts";

/** Runtimes keep the machine's networks there. */
const configurationFolder = "/etc/cni/net.d";

export class NamesInside {
  /** `labFolder` has room for a folder to mount at. */
  constructor(labFolder: string) {
    if (existsSync(configurationFolder)) mount("tmpfs", configurationFolder, "tmpfs", 0);
    if (!existsSync(netnsFolder)) mountOwnRun(join(labFolder, "run"), basename(netnsFolder));
    mount("tmpfs", netnsFolder, "tmpfs", 0);
    mount("", netnsFolder, "none", mountFlag.shared); // hosts, which have mounts of their own, see later names, too
  }

  pathOf({ name }: Pick<RunningPod, "name">): string {
    return `${netnsFolder}/${name}`;
  }

  add(pod: Named): void {
    const path = this.pathOf(pod);
    closeSync(openSync(path, "wx", 0o444));
    mount(pod.netns.path, path, "none", mountFlag.bind);
  }

  remove(pod: Named): void {
    unmount(this.pathOf(pod));
    rmSync(this.pathOf(pod), { force: true });
  }
}

type Named = Pick<RunningPod, "name" | "netns">;
