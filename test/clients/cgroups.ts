/**
 * The control groups that runc needs. A sandbox mounts a fresh /sys over the machine's, so this mounts the same
 * hierarchies again.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { run } from "../support/sandbox.ts";

const folder = "/sys/fs/cgroup";

export function mountCgroups(): void {
  if (existsSync(`${folder}/cgroup.controllers`) || existsSync(`${folder}/memory`)) return;
  // `4:cpu,cpuacct:/user`, and `0::/` for the unified hierarchy.
  const hierarchies = readFileSync("/proc/self/cgroup", "utf8").trim().split("\n");
  const controllers = hierarchies.map((line) => line.split(":")[1]!).filter((names) => names !== "");
  if (controllers.length === 0) {
    run(["mount", "-t", "cgroup2", "cgroup2", folder]);
    return;
  }
  run(["mount", "-t", "tmpfs", "-o", "mode=755", "cgroup", folder]);
  for (const names of controllers) {
    const place = `${folder}/${names.replace("name=", "")}`;
    mkdirSync(place);
    run(["mount", "-t", "cgroup", "-o", names.startsWith("name=") ? `none,${names}` : names, "cgroup", place]);
  }
}

/** The group of all sandboxes of the tests. */
export const cgroupParent = "ns-net-test";

/** Ends the processes in the tests' groups and removes the groups, which belong to the machine and would stay. */
export function removeCgroups(parent = cgroupParent): void {
  const groups = run(["find", folder, "-mindepth", "2", "-depth", "-path", `*/${parent}*`, "-type", "d"]);
  for (const group of groups.split("\n").filter(Boolean)) {
    for (const pid of readFileSync(`${group}/cgroup.procs`, "utf8").split("\n").map(Number)) {
      if (pid > 1) process.kill(pid, "SIGKILL");
    }
    // A group is busy for a moment after its last process ended.
    for (let tries = 0; tries < 50 && Bun.spawnSync(["rmdir", group]).exitCode !== 0; tries++) Bun.sleepSync(10);
  }
}
