/** Starts a pod of a running lab again, with the same addresses. */
import { withJoining } from "../plan/differences.ts";
import type { OnProgress } from "../world/world.ts";
import { followed, settled } from "./change.ts";
import { labUp, restarted, running } from "./client.ts";
import { lockLab } from "./lock.ts";

/**
 * Answers the names of the pods that started again: this one and those that join it. Throws Fault; where a command failed,
 * its pod runs all the same.
 */
export async function restart(lab: string, pod: string, onProgress: OnProgress): Promise<string[]> {
  using _ = lockLab(lab);
  const state = await settled(labUp(lab, "")); // it may have been ended while this waited
  const names = withJoining((await running(state)).lab, [pod]);
  await followed(restarted(state, pod), { state, added: [], onProgress });
  return [...names];
}
