/**
 * The control groups that runc needs. A sandbox lays a fresh /sys over the machine's, so they are mounted again: the
 * same hierarchies, seen from here.
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

/** The group below which all sandboxes of the tests are. */
export const cgroupParent = "ns-net-test";

/** Ends what still runs in the tests' groups and removes them. They are the machine's, so nothing else would. */
export function removeCgroups(parent = cgroupParent): void {
  const groups = run(["find", folder, "-mindepth", "2", "-depth", "-path", `*/${parent}*`, "-type", "d"]);
  for (const group of groups.split("\n").filter(Boolean)) {
    for (const pid of readFileSync(`${group}/cgroup.procs`, "utf8").split("\n").map(Number)) {
      if (pid > 1) process.kill(pid, "SIGKILL");
    }
    // A group whose last process is being buried is busy for a moment.
    for (let tries = 0; tries < 50 && Bun.spawnSync(["rmdir", group]).exitCode !== 0; tries++) Bun.sleepSync(10);
  }
}
