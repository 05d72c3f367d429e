/** Claims by processes of other PID namespaces: /proc here says nothing of them. */
import { readText } from "../sys/files.ts";

/** Longer than a runtime waits for a plugin: by then it has ended what it started. */
const claimMsMax = 120_000;

/** USER_HZ, in which proc(5) tells when a process started: 100 wherever Bun runs. */
const ticksPerSecond = 100;

/** A plugin's process makes its claim as soon as it has started, so the claim is as old as the process. */
export function mayLive({ pidStart }: { readonly pidStart: bigint }): boolean {
  const uptimeSeconds = Number(readText("/proc/uptime").split(" ")[0]);
  return uptimeSeconds * 1000 - (Number(pidStart) * 1000) / ticksPerSecond < claimMsMax;
}
