/** The processes that hold a lab's namespaces: for each pod one that only reaps. They end with the supervisor. */
import { closeFile } from "../../../sys/libc.ts";
import { start } from "../../../sys/namespaces/start.ts";
import type { Mount } from "../../../sys/namespaces/startRequest.ts";
import { type Netns, openNetns } from "../../../sys/netns.ts";
import { openProcess } from "../../../sys/processes.ts";
import { mountFlag } from "../../../sys/sysRare.ts";
import type { Children } from "../children.ts";

export interface RunningPod {
  readonly name: string;
  /** As the supervisor sees it. */
  readonly pid: number;
  readonly netns: Netns;
  /** False once its process has ended, and with it all processes of the pod. */
  isAlive: boolean;
  readonly ended: Promise<void>;
}

const ownMounts = { source: "", target: "/", type: "none", flags: mountFlag.slave | mountFlag.recursive };
const ownProc = { source: "proc", target: "/proc", type: "proc", flags: 0 };

/** The request to start a pod. */
export interface Starting {
  readonly name: string;
  readonly hostname: string;
  readonly mounts: readonly Mount[];
  /** The pod whose network and UTS namespaces it shares; undefined: it has its own. */
  readonly joined: RunningPod | undefined;
}

/** Starts a pod with PID, mount and IPC namespaces of its own, and network and UTS namespaces if it joins no other. */
export function startPod({ name, hostname, mounts, joined }: Starting, children: Children): RunningPod {
  const fd = joined && openProcess(joined.pid);
  try {
    const pid = start({
      ...(fd === undefined ? { hostname } : { enter: [{ fd, kinds: ["net", "uts"] }] }),
      create: [...(fd === undefined ? (["net", "uts"] as const) : []), "ipc", "pid", "mnt"],
      mounts: [ownMounts, ownProc, ...mounts],
      init: true,
      diesWithCaller: true,
    });
    return watched(name, pid, children);
  } finally {
    if (fd !== undefined) closeFile(fd);
  }
}

function watched(name: string, pid: number, children: Children): RunningPod {
  const end = Promise.withResolvers<void>();
  const pod = { name, pid, netns: openNetns(`/proc/${pid}/ns/net`), isAlive: true, ended: end.promise };
  children.watch(pid, () => {
    pod.isAlive = false;
    end.resolve();
  });
  return pod;
}

/** Ends all processes of a pod, and waits for their end. */
export async function endPod(pod: RunningPod, children: Children): Promise<void> {
  if (pod.isAlive) process.kill(pod.pid, "SIGKILL"); // it cannot be another process's pid before `children` saw the end
  children.reap();
  await pod.ended;
}
