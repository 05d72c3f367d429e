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
  // NSpid (proc(5)) lists a pid in each namespace from this one inwards: the lab's is at the place of the first process's own.
  const place = pidsOf(init).length - 1;
  const names = new Map(inside.map(({ name, pid }) => [pid, name]));
  // The newest first: those that are asked for after a change.
  for (const pid of [supervisor, ...childrenOf(supervisor).reverse()]) {
    if (found.size === names.size) break;
    const name = names.get(pidsOf(pid)[place] ?? 0);
    if (name !== undefined) found.set(name, pid);
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

function pidsOf(pid: number): number[] {
  try {
    const line = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
    return line.split(/\s+/).map(Number);
  } catch {
    return [];
  }
}
