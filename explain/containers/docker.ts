/**
 * Containers of docker: DATA_ROOT/containers/ID/config.v2.json has the name and the state (moby: container/container.go,
 * container/state.go).
 */
import type { Container } from "./container.ts";
import type { Monitors } from "./monitors.ts";
import { livingPid } from "./process.ts";
import { listed, numberAt, readJson, textAt } from "./state.ts";

const defaultRoot = "/var/lib/docker";

/** The state of docker's runc, in the namespace moby of containerd. */
const stateFolders = ["/run/docker/runtime-runc/moby", "/run/docker/runtime-runc-v2/moby"];

export function containersOfDocker({ dockerRoots }: Monitors): Container[] {
  const configured = textAt(readJson("/etc/docker/daemon.json"), "data-root");
  const roots = new Set([configured ?? defaultRoot, ...dockerRoots]);
  return [...roots].flatMap((root) => listed(`${root}/containers`).flatMap((id) => containerIn(root, id)));
}

function containerIn(root: string, id: string): Container[] {
  const configuration = readJson(`${root}/containers/${id}/config.v2.json`);
  const name = textAt(configuration, "Name");
  if (name === undefined) return [];
  const pid = numberAt(configuration, "State", "Pid") ?? 0;
  // The process is created before docker notes this time.
  const startedMs = Date.parse(textAt(configuration, "State", "StartedAt") ?? "");
  const writtenMs = Number.isNaN(startedMs) ? undefined : startedMs;
  return [
    {
      runtime: "docker",
      id,
      names: [name.replace(/^\//, "")],
      pid: pid > 0 ? livingPid({ id, pid, writtenMs, stateFolders }) : undefined,
    },
  ];
}
