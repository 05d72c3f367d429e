/** An agent that goes on running after an install or an uninstall that neither started nor ended it. */
import { readFileSync } from "node:fs";
import { statusSocketDefault } from "../../agent/report/http.ts";
import { NotPermitted } from "../../conf/fault.ts";
import { agentReport } from "../status/report.ts";

/** Lines that say who it is, and how to end it; none if no agent runs, or if this user may not ask. */
export async function agentLeft(): Promise<string[]> {
  const report = await reported();
  if (report === undefined) return [];
  const { pid, version, since } = report;
  const command = commandOf(pid);
  const who = command === undefined ? "in another PID namespace" : `${command}`;
  const end = command === undefined ? "end it with what started it" : `end it: kill ${pid}`;
  return [
    `left the agent running that something else started: process ${pid} (${who}), version ${version}, since ${since}`,
    `  it runs what was installed before; start it again after an upgrade, or ${end}`,
  ];
}

async function reported() {
  try {
    return await agentReport(statusSocketDefault);
  } catch (error) {
    if (error instanceof NotPermitted) return undefined;
    throw error;
  }
}

/** Undefined if another process has that number here: the agent of a container has its own numbers. */
function commandOf(pid: number): string | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(Boolean);
    return words.includes("agent") ? words.join(" ") : undefined;
  } catch {
    return undefined;
  }
}
