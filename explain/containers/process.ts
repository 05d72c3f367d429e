/**
 * Whether the process with a container's number is still the container's. The state on disk outlives the process, and
 * the kernel gives the number to another one later.
 */
import { processStart } from "../../store/claim.ts";
import { readOrEmpty } from "../readOrEmpty.ts";
import { numberAt, readJson } from "./state.ts";

export interface Recorded {
  readonly id: string;
  readonly pid: number;
  /** When the number was written at the latest, in milliseconds since 1970, if the runtime says so. */
  readonly writtenMs?: number | undefined;
  /** Folders where runc or crun may keep the state of the container, each in a folder named by the id. */
  readonly stateFolders: readonly string[];
}

/** USER_HZ, which is 100 for programs on every architecture of Linux: the unit of /proc/PID/stat (proc(5)). */
const ticksPerSecond = 100;

/** The time of boot has seconds only, and the clock may be adjusted a little. */
const toleranceMs = 2000;

/**
 * The number of the process if it runs and is the container's. The first evidence that exists decides: the start time
 * that runc or crun noted, the container's id in the name of the control group, the time when the number was written.
 */
export function livingPid(recorded: Recorded): number | undefined {
  const { id, pid, writtenMs } = recorded;
  const start = processStart(pid);
  if (start === undefined) return undefined;
  const startTicks = Number(start);
  const noted = notedStart(recorded);
  if (noted !== undefined) return noted === startTicks ? pid : undefined;
  if (writtenMs === undefined || groupsOf(pid).includes(id)) return pid;
  return startMs(startTicks) <= writtenMs + toleranceMs ? pid : undefined;
}

/** runc: state.json (libcontainer.BaseState); crun: status (libcrun_container_status_s). */
function notedStart({ id, pid, stateFolders }: Recorded): number | undefined {
  for (const folder of stateFolders) {
    const runc = readJson(`${folder}/${id}/state.json`);
    if (numberAt(runc, "init_process_pid") === pid) return numberAt(runc, "init_process_start");
    const crun = readJson(`${folder}/${id}/status`);
    if (numberAt(crun, "pid") === pid) return numberAt(crun, "process-start-time");
  }
  return undefined;
}

const groupsOf = (pid: number) => readOrEmpty(`/proc/${pid}/cgroup`);

function startMs(ticks: number): number {
  const bootSeconds = Number(/^btime (\d+)$/m.exec(readOrEmpty("/proc/stat"))?.[1]);
  return (bootSeconds + ticks / ticksPerSecond) * 1000;
}
