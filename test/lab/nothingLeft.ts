/** Whether anything of a lab remains: names, a folder, a process. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { netnsNames, run } from "../support/sandbox.ts";
import type { Person } from "./person.ts";

/** Pids of processes whose command line names the lab: its supervisor and the processes that hold its pods. */
function processesOf(lab: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`supervise\0${lab}\0`);
    } catch {
      return false;
    }
  });
}

/** A supervisor that lost the command which made it ends when it next looks. */
export function waitForEnd(lab: string): void {
  for (const pid of processesOf(lab)) run(["timeout", "10", "tail", `--pid=${pid}`, "-f", "/dev/null"]);
}

export function assertNothingLeft(who: Person, lab: string, names: readonly string[]): void {
  assert.deepEqual(netnsNames(), names);
  assert.equal(existsSync(join(who.labs, lab)), false);
  waitForEnd(lab);
  assert.deepEqual(processesOf(lab), []);
}
