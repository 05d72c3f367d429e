/** Claims by processes of other PID namespaces, which /proc here does not show. */
import { readText } from "../sys/files.ts";

/** Longer than a runtime waits for a plugin before it ends it. */
const claimMsMax = 120_000;

/** USER_HZ, the unit of start times in proc(5): 100 on all platforms of Bun. */
const ticksPerSecond = 100;

/** True if the process may be alive, by the age of its claim. */
export function mayLive(claim: Claim): boolean {
  const uptimeMs = Number(readText("/proc/uptime").split(" ")[0]) * 1000;
  const ageMs = uptimeMs - beginMsOf(claim);
  return ageMs >= -1000 && ageMs < claimMsMax; // /proc/uptime is rounded
}

interface Claim {
  readonly pidStart: bigint;
  readonly call: string;
}

/** Milliseconds after boot. A process claims the entry right after its start; an agent, right after the start of the launcher, which the call's name begins with. */
function beginMsOf({ pidStart, call }: Claim): number {
  return call === "" ? (Number(pidStart) * 1000) / ticksPerSecond : Number.parseInt(call.slice(0, 12), 16);
}
