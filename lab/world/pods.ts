/** The processes that hold a lab's namespaces: for each pod one that only reaps. They end with the supervisor. */
import { closeFile } from "../../sys/libc.ts";
import { start } from "../../sys/namespaces/start.ts";
import type { Mount } from "../../sys/namespaces/startRequest.ts";
import { type Netns, openNetns } from "../../sys/netns.ts";
import { openProcess } from "../../sys/processes.ts";
import { mountFlag } from "../../sys/sysRare.ts";

export interface RunningPod {
  readonly name: string;
  /** As the supervisor sees it. */
  readonly pid: number;
  readonly netns: Netns;
  /** False once its process has ended, and with it all processes of the pod. */
  isAlive: boolean;
}

const ownMounts = { source: "", target: "/", type: "none", flags: mountFlag.slave | mountFlag.recursive };
const ownProc = { source: "proc", target: "/proc", type: "proc", flags: 0 };

/** Starts a pod with namespaces of its own: network, PID, mount, UTS and IPC. */
export function startPod(name: string, hostname: string, mounts: readonly Mount[]): RunningPod {
  const pid = start({
    create: ["net", "uts", "ipc", "pid", "mnt"],
    hostname,
    mounts: [ownMounts, ownProc, ...mounts],
    init: true,
    diesWithCaller: true,
  });
  return opened(name, pid);
}

/** Starts a pod in the network and UTS namespaces of another. */
export function startJoining(name: string, target: RunningPod, mounts: readonly Mount[]): RunningPod {
  const fd = openProcess(target.pid);
  try {
    const pid = start({
      enter: [{ fd, kinds: ["net", "uts"] }],
      create: ["ipc", "pid", "mnt"],
      mounts: [ownMounts, ownProc, ...mounts],
      init: true,
      diesWithCaller: true,
    });
    return opened(name, pid);
  } finally {
    closeFile(fd);
  }
}

function opened(name: string, pid: number): RunningPod {
  return { name, pid, netns: openNetns(`/proc/${pid}/ns/net`), isAlive: true };
}
