/**
 * Containers of podman, of root and of other users. Their number is in RUNROOT/DRIVER-containers/ID/userdata/pidfile,
 * which conmon writes and which stays when the container stops.
 */
import type { Container } from "./container.ts";
import { livingPid } from "./process.ts";
import { readPidFile, textAt } from "./state.ts";
import type { Stored } from "./storage.ts";

/** libpod's name for itself in the annotations of every container. */
export const podmansName = "libpod";

/** Where podman's runc and crun keep their state, for root; that of other users is below /run/user. */
export const runtimeFolders = ["/run/runc", "/run/crun"];

export function containersOfPodman(stored: readonly Stored[]): Container[] {
  return stored
    .filter(({ annotations }) => textAt(annotations, "io.container.manager") === podmansName)
    .map(({ id, names, running }) => {
      const noted = readPidFile(`${running}/pidfile`);
      const user = /^\/run\/user\/\d+\//.exec(running)?.[0];
      const stateFolders = user === undefined ? runtimeFolders : [`${user}runc`, `${user}crun`];
      return { runtime: "podman", id, names, pid: noted && livingPid({ ...noted, id, stateFolders }) };
    });
}
