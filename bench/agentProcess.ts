/** The agent of a contestant: it runs in the contestant's sandbox, where runtimes' calls come from. */
import { closeSync, copyFileSync, existsSync, openSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";

export interface AgentProcess {
  /** User and system time of all its threads. */
  cpuMs(): number;
  end(): void;
}

export const launcherOf = (executable: string) => `${executable}-launcher`;

/** Lays launcher and executable into a folder, as install does. */
export function layBehindLauncher(executable: string, folder: string): void {
  copyFileSync(launcherOf(executable), join(folder, "ns-net"));
  symlinkSync(executable, join(folder, "ns-net-full"));
}

const log = "/run/agent.log";
const startMsMax = 10_000;

/** Starts the agent of a folder, and waits until it serves. */
export async function startAgent(folder: string): Promise<AgentProcess> {
  const output = openSync(log, "w");
  const child = Bun.spawn([join(folder, "ns-net-full"), "agent"], { stdio: ["ignore", output, output] });
  closeSync(output);
  const socket = "/run/ns-net/status.sock";
  for (const startMs = performance.now(); ; await Bun.sleep(5)) {
    if (existsSync(socket) && readFileSync(log, "utf8").includes('"started"')) break;
    if (child.exitCode !== null || performance.now() - startMs > startMsMax)
      throw new Error(`the agent does not start: ${readFileSync(log, "utf8")}`);
  }
  const tasks = `/proc/${child.pid}/task`;
  return {
    // sched-stats.rst of the kernel: the first number is the nanoseconds that the thread ran.
    cpuMs: () =>
      readdirSync(tasks).reduce((sum, thread) => {
        return sum + Number(readFileSync(join(tasks, thread, "schedstat"), "utf8").split(" ")[0]) / 1e6;
      }, 0),
    end: () => child.kill(),
  };
}
