/**
 * The CPU time of a worker and of everything it starts, also of processes that outlive their parents, such as the
 * supervisor of a lab. Only a cgroup counts these. Unlike the duration, it hardly depends on what else the machine does.
 */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface CpuMeter extends Disposable {
  /** Milliseconds of all processors since the last call, or since the beginning. */
  sinceMs(): number;
}

/** Puts a process that has just been started in a new cgroup below our own. Throws if there is no cgroup2 to write to. */
export function cpuMeter(pid: number): CpuMeter {
  const folder = join(ownCgroup(), `ns-net-test-${pid}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "cgroup.procs"), String(pid));
  let before = 0;
  return {
    sinceMs() {
      const now = Number(/^usage_usec (\d+)$/m.exec(readFileSync(join(folder, "cpu.stat"), "utf8"))![1]) / 1000;
      const since = now - before;
      before = now;
      return since;
    },
    [Symbol.dispose]() {
      try {
        rmdirSync(folder);
      } catch {
        // A program that a test left behind is still in it.
      }
    },
  };
}

function ownCgroup(): string {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/mounts", "utf8"))?.[1];
  const path = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
  if (mount === undefined || path === undefined) throw new Error("--cpu needs cgroup2, and none is mounted");
  return join(mount, path);
}
