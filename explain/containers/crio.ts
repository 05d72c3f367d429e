/**
 * Containers of CRI-O. Their number is in RUNROOT/DRIVER-containers/ID/userdata/pidfile, and their names in the
 * annotations of config.json (CRI-O: pkg/annotations, internal/oci/container.go).
 */
import type { Container } from "./container.ts";
import { podNames } from "./containerd.ts";
import { podmansName, runtimeFolders } from "./podman.ts";
import { livingPid } from "./process.ts";
import { readPidFile, textAt } from "./state.ts";
import type { Stored } from "./storage.ts";

export function containersOfCrio(stored: readonly Stored[]): Container[] {
  return stored
    .filter(({ annotations }) => isCrios(annotations))
    .map(({ id, names, annotations, running }) => {
      const noted = readPidFile(`${running}/pidfile`);
      return {
        runtime: "cri-o",
        id,
        names: [...namesIn(annotations), ...names],
        pid: noted && livingPid({ ...noted, id, stateFolders: runtimeFolders }),
      };
    });
}

/** podman writes some annotations of CRI-O, too, but names itself as the manager. */
function isCrios(annotations: unknown): boolean {
  const manager = textAt(annotations, "io.container.manager");
  return manager !== podmansName && textAt(annotations, "io.kubernetes.cri-o.ContainerType") !== undefined;
}

function namesIn(annotations: unknown): string[] {
  const [pod, namespace] = ["io.kubernetes.pod.name", "io.kubernetes.pod.namespace"].map((key) =>
    textAt(annotations, key),
  );
  if (pod === undefined) return [];
  const isContainer = textAt(annotations, "io.kubernetes.cri-o.ContainerType") === "container";
  return podNames(namespace, pod, isContainer ? textAt(annotations, "io.kubernetes.container.name") : undefined);
}
