/** Claims whose end cannot be seen: of processes of other PID namespaces, and of the calls of an agent. */
import { readText } from "../sys/files.ts";
import { beganMs, type Owner } from "./owner.ts";

/** Longer than a runtime waits for a plugin before it ends it. */
const claimMsMax = 120_000;

/** True if the call may be at work, by the age of its claim. */
export function mayLive(claim: Pick<Owner, "pidStart" | "call">): boolean {
  const uptimeMs = Number(readText("/proc/uptime").split(" ")[0]) * 1000;
  const ageMs = uptimeMs - beganMs(claim);
  return ageMs >= -1000 && ageMs < claimMsMax; // /proc/uptime is rounded
}
