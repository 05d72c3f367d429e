/** A container as its runtime's state on disk describes it. */

export const runtimes = ["containerd", "cri-o", "docker", "podman"] as const;

export type Runtime = (typeof runtimes)[number];

export interface Container {
  readonly runtime: Runtime;
  /** The runtime's own identifier: 64 hexadecimal digits, or for containerd any name. */
  readonly id: string;
  /** The names that people use, the shortest first. Kubernetes: `POD` and `NAMESPACE/POD` for a pod's sandbox. */
  readonly names: readonly string[];
  /** The first process, which is in all the namespaces of the container; undefined if the container does not run. */
  readonly pid: number | undefined;
}

/** The name that a person knows. */
export function nameOf({ id, names }: Container): string {
  return names[0] ?? id;
}
