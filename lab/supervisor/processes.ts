/** The processes of a lab as the caller sees them: the supervisor knows only the pids of the lab's own PID namespace. */
import { readdirSync, readFileSync } from "node:fs";

/**
 * By name of pod, `outside` and `host`: the pid of the process that holds its namespaces. `init` is the lab's first
 * process, `inside` the supervisor's list.
 */
export function processesOf(
  init: number,
  inside: readonly { readonly name: string; readonly pid: number }[],
): Map<string, number> {
  const [supervisor] = childrenOf(init);
  const found = new Map<string, number>();
  if (supervisor === undefined) return found;
  const byInner = new Map([supervisor, ...childrenOf(supervisor)].map((pid) => [innerPid(pid, init), pid]));
  for (const { name, pid } of inside) {
    const outer = byInner.get(pid);
    if (outer !== undefined) found.set(name, outer);
  }
  return found;
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** The pid in the PID namespace of `init`: the place of NSpid (proc(5)) at which that one's own is 1. */
function innerPid(pid: number, init: number): number | undefined {
  const [mine, inits] = [pidsOf(pid), pidsOf(init)];
  return mine[inits.length - 1];
}

function pidsOf(pid: number): number[] {
  try {
    const line = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
    return line.split(/\s+/).map(Number);
  } catch {
    return [];
  }
}
