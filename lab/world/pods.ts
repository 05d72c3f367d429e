/** The processes that hold a lab's namespaces: for each pod one that only reaps. They end with the supervisor. */

import { writeFileSync } from "node:fs";
import { closeFile } from "../../sys/libc.ts";
import { start } from "../../sys/namespaces/start.ts";
import { closeNetns, inNetns, type Netns, openNetns } from "../../sys/netns.ts";
import { mountFlag, openProcess } from "../../sys/sysRare.ts";

export interface RunningPod {
  readonly name: string;
  /** As the supervisor sees it. */
  readonly pid: number;
  readonly netns: Netns;
}

const ownMounts = { source: "", target: "/", type: "none", flags: mountFlag.slave | mountFlag.recursive };
const ownProc = { source: "proc", target: "/proc", type: "proc", flags: 0 };

/** Starts a pod with namespaces of its own: network, PID, mount, UTS and IPC. `hostsFile` becomes its /etc/hosts. */
export function startPod(name: string, hostname: string, hostsFile: string): RunningPod {
  const pid = start({
    create: ["net", "uts", "ipc", "pid", "mnt"],
    hostname,
    mounts: [ownMounts, ownProc, overHosts(hostsFile)],
    init: true,
    diesWithCaller: true,
  });
  return opened(name, pid);
}

/** Starts a pod in the network and UTS namespaces of another. */
export function startJoining(name: string, target: RunningPod, hostsFile: string): RunningPod {
  const fd = openProcess(target.pid);
  try {
    const pid = start({
      enter: [{ fd, kinds: ["net", "uts"] }],
      create: ["ipc", "pid", "mnt"],
      mounts: [ownMounts, ownProc, overHosts(hostsFile)],
      init: true,
      diesWithCaller: true,
    });
    return opened(name, pid);
  } finally {
    closeFile(fd);
  }
}

/** A shell command in a pod: `run`. Its output goes to `log`, an open file. Answers its pid. */
export function startCommand(
  pod: RunningPod,
  command: string,
  environment: Readonly<Record<string, string | undefined>>,
  [input, log]: readonly [number, number],
): number {
  const fd = openProcess(pod.pid);
  try {
    return start({
      enter: [{ fd, kinds: ["net", "uts", "ipc", "pid", "mnt"] }],
      directory: "/",
      program: { paths: ["/bin/sh"], words: ["sh", "-c", command], environment },
      streams: [input, log, log],
      session: true,
      diesWithCaller: true,
    });
  } finally {
    closeFile(fd);
  }
}

const overHosts = (file: string) => ({ source: file, target: "/etc/hosts", type: "none", flags: mountFlag.bind });

function opened(name: string, pid: number): RunningPod {
  return { name, pid, netns: openNetns(`/proc/${pid}/ns/net`) };
}

export function closePod({ netns }: RunningPod): void {
  closeNetns(netns);
}

/** Sets what a new namespace would take over from the machine. `forwards`: a router. Absent files are left out. */
export function setSysctls(netns: Netns, forwards: boolean): void {
  const forwarding = forwards ? "1" : "0";
  const settings: readonly (readonly [string, string])[] = [
    ["net/ipv4/ip_forward", forwarding],
    ["net/ipv6/conf/all/forwarding", forwarding],
    ["net/ipv4/conf/all/rp_filter", "0"],
    ["net/ipv4/conf/default/rp_filter", "0"],
    ["net/ipv4/ping_group_range", "0 0"],
  ];
  inNetns<void>(netns, () => {
    for (const [path, value] of settings) write(`/proc/sys/${path}`, value);
  });
}

function write(path: string, value: string): void {
  try {
    writeFileSync(path, value);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
