/**
 * The same as start.c by programs of util-linux (unshare, nsenter, setpriv, setsid) and a shell, for a host where Bun's
 * compiler does not work. It is slower. If it fails, these programs say why on standard error. The answered pid is that
 * of the outermost program: if a PID namespace is entered or created, the process in it is its child.
 */
import { readFileSync } from "node:fs";
import { closeFile, readFile } from "../libc.ts";
import { environmentTexts, openPipe, spawn, waitStatus } from "../processes.ts";
import { mountFlag } from "../sysRare.ts";
import type { NamespaceKind } from "./kinds.ts";
import type { Mount, Start } from "./startRequest.ts";

/** As `start` of start.ts. */
export function start(asked: Start): number {
  const [reading, writing] = openPipe();
  try {
    const pid = spawned(asked, writing);
    if (readFile(reading, new Uint8Array(1)) === 1) return pid;
    waitStatus(pid);
    throw new Error("Cannot start a process in namespaces: unshare or nsenter failed");
  } finally {
    closeFile(reading);
  }
}

/** Starts the outermost program. Closes `writing` here, so that the pipe ends with the programs that have it. */
function spawned(asked: Start, writing: number): number {
  const environment = environmentTexts(asked.program?.environment ?? process.env);
  const streams = [...(asked.streams ?? [0, 1, 2]), writing];
  try {
    return spawn("/usr/bin/env", ["env", ...outerWords(asked)], environment, streams);
  } finally {
    closeFile(writing);
  }
}

const longOption: Readonly<Record<NamespaceKind, string>> = {
  ...{ cgroup: "--cgroup", ipc: "--ipc", mnt: "--mount", net: "--net" },
  ...{ pid: "--pid", time: "--time", user: "--user", uts: "--uts" },
};

function outerWords({ enter = [], create = [], ...asked }: Start): string[] {
  const words: string[] = [];
  if (asked.diesWithCaller) words.push("setpriv", "--pdeathsig", "KILL");
  if (asked.session) words.push("setsid");
  for (const { fd, kinds } of enter) {
    const pid = /^Pid:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    const where = pid === undefined ? `=/proc/${process.pid}/fd/${fd}` : "";
    words.push("nsenter", ...(pid ? ["--target", pid] : []), ...kinds.map((kind) => `${longOption[kind]}${where}`));
  }
  if (create.length > 0) {
    words.push("unshare", ...create.map((kind) => longOption[kind]));
    if (create.includes("user")) words.push("--map-root-user");
    if (create.includes("mnt")) words.push("--propagation", "unchanged");
    if (create.includes("pid")) words.push("--fork", ...(asked.diesWithCaller ? ["--kill-child"] : []));
  }
  return [...words, "sh", "-c", script(asked), ...(asked.program?.words ?? ["sleep"])];
}

/** The last steps, in the namespaces. A byte on descriptor 3 reports to the caller that they succeeded. */
function script({ hostname, mounts = [], directory, program, init }: Start): string {
  const steps = [
    ...(hostname === undefined ? [] : [`hostname ${quoted(hostname)}`]),
    ...mounts.map(mountCommand),
    ...(directory === undefined ? [] : [`cd ${quoted(directory)}`]),
    "printf . >&3",
    "exec 3>&-",
  ].join(" && ");
  if (!program) return `trap "" CHLD && ${steps} && exec sleep infinity`;
  return init ? `${steps} && { "$0" "$@"; exit $?; }` : `${steps} && exec "$0" "$@"`;
}

function mountCommand({ source, target, type, flags }: Mount): string {
  const place = quoted(target);
  if (flags & mountFlag.slave) return `mount --make-rslave ${place}`;
  if (flags & mountFlag.private) return `mount --make-rprivate ${place}`;
  if (flags & mountFlag.bind) return `mount --bind ${quoted(source)} ${place}`;
  return `mount ${flags & mountFlag.readOnly ? "-r " : ""}-t ${type} ${quoted(source)} ${place}`;
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
