/**
 * Running containers of containerd, and so of Kubernetes, nerdctl and ctr. Each has a bundle in
 * /run/containerd/io.containerd.runtime.v2.task/NAMESPACE/ID: init.pid is the first process, config.json the OCI
 * specification (containerd: runtime/v2/bundle.go, runtime/v2/runc).
 */
import { basename, dirname } from "node:path";
import type { Container } from "./container.ts";
import type { Monitors } from "./monitors.ts";
import { livingPid } from "./process.ts";
import { listed, readJson, readPidFile, textAt, valueAt } from "./state.ts";

const tasks = "io.containerd.runtime.v2.task";

/** The state folders of containerd, of the one inside k3s and rke2, and of docker's own one. */
const stateFolders = ["/run/containerd", "/run/k3s/containerd", "/run/docker/containerd/daemon"];

/** Where shims of runc keep its state: the default of containerd, and that of docker. */
const runcFolders = ["/run/containerd/runc", "/run/docker/runtime-runc", "/run/docker/runtime-runc-v2"];

/** The namespace of docker's containers, which docker's own state describes better. */
const dockersNamespace = "moby";

export function containersOfContainerd({ bundles }: Monitors): Container[] {
  const known = stateFolders.flatMap((folder) =>
    listed(`${folder}/${tasks}`).flatMap((namespace) =>
      listed(`${folder}/${tasks}/${namespace}`).map((id) => `${folder}/${tasks}/${namespace}/${id}`),
    ),
  );
  return [...new Set([...known, ...bundles])].flatMap(containerIn);
}

function containerIn(bundle: string): Container[] {
  const [namespace, id] = [basename(dirname(bundle)), basename(bundle)];
  const noted = readPidFile(`${bundle}/init.pid`);
  if (noted === undefined) return [];
  const pid = livingPid({ ...noted, id, stateFolders: runcFolders.map((folder) => `${folder}/${namespace}`) });
  const isDockers = namespace === dockersNamespace;
  const names = isDockers ? [] : namesIn(valueAt(readJson(`${bundle}/config.json`), "annotations"), namespace, id);
  return [{ runtime: isDockers ? "docker" : "containerd", id, names, pid }];
}

/** Annotations of containerd's CRI (pkg/cri/annotations) and of nerdctl (pkg/labels). */
function namesIn(annotations: unknown, namespace: string, id: string): string[] {
  const cri = (key: string) => textAt(annotations, `io.kubernetes.cri.${key}`);
  const [pod, podNamespace, container] = [cri("sandbox-name"), cri("sandbox-namespace"), cri("container-name")];
  if (pod !== undefined) return podNames(podNamespace, pod, container);
  const name = textAt(annotations, "nerdctl/name");
  return [...(name === undefined ? [] : [name, `${namespace}/${name}`]), id, `${namespace}/${id}`];
}

/** `POD` and `NAMESPACE/POD` for the sandbox, with `/CONTAINER` for a container in it. */
export function podNames(podNamespace: string | undefined, pod: string, container: string | undefined): string[] {
  const short = container === undefined ? pod : `${pod}/${container}`;
  return podNamespace === undefined ? [short] : [short, `${podNamespace}/${short}`];
}
