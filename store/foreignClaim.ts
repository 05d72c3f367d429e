/** Claims by processes of other PID namespaces, which /proc here does not show. */
import { readText } from "../sys/files.ts";

/** Longer than a runtime waits for a plugin before it ends it. */
const claimMsMax = 120_000;

/** USER_HZ, the unit of start times in proc(5): 100 on all platforms of Bun. */
const ticksPerSecond = 100;

/** True if the process may be alive, by its age: it claims the entry right after its start. */
export function mayLive({ pidStart }: { readonly pidStart: bigint }): boolean {
  const uptimeSeconds = Number(readText("/proc/uptime").split(" ")[0]);
  return uptimeSeconds * 1000 - (Number(pidStart) * 1000) / ticksPerSecond < claimMsMax;
}
