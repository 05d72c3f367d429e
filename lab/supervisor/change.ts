/** A change of a lab that is up, on the side of the command: it follows the supervisor's reports, and names namespaces. */
import { code, Fault } from "../../conf/fault.ts";
import type { OnProgress } from "../world/world.ts";
import type { Inspected, Report } from "./answers.ts";
import { correctState, holdersOf, inspected } from "./client.ts";
import { lockNames, waitForSupervisor } from "./lock.ts";
import { correctNames, freeNames, removeNames } from "./names.ts";
import { isAlive, type LabState, readState, writeState } from "./state.ts";

export interface Followed {
  /** The state before. The caller has the lab's lock. */
  readonly state: LabState;
  /** Pods and outside that the lab gets. */
  readonly added: readonly string[];
  /** Called when all is done and named; true if the change stays. Absent: it stays in any case. */
  readonly keep?: () => Promise<boolean>;
  readonly onProgress: OnProgress;
}

/**
 * Follows a change to its end. Whatever happens, the names in /run/netns are right afterwards, and the state says which there
 * are. Throws Fault.
 */
export async function followed(
  reports: AsyncGenerator<Report>,
  { state, added, keep, onProgress }: Followed,
): Promise<void> {
  const changing = keepNames(state, added);
  let found: Inspected | undefined;
  try {
    for await (const report of reports) {
      if ("done" in report) onProgress(report.done, report.total, report.now);
      else if ("failed" in report) throw new Fault(code.kernel, report.failed, report.cure);
      else {
        correctNames(state.lab, state.pid, holdersOf(report.up), changing.names);
        found = report.up;
        if (await keep?.()) return; // else the next report says why
      }
    }
    if (keep || found === undefined) throw endedMeanwhile(state);
    correctState(changing, found);
  } catch (error) {
    const now = isAlive(state) ? await inspectedIfThere(state) : undefined;
    if (now === undefined) {
      removeNames(changing.names);
      throw endedMeanwhile(state);
    }
    correctState(readState(state.lab) ?? changing, now);
    throw error;
  }
}

/** Undefined if the supervisor has ended. A killed one closes its socket first, and is a process for a moment longer. */
async function inspectedIfThere(state: LabState): Promise<Inspected | undefined> {
  try {
    return await inspected(state);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== code.unavailable) throw error;
    waitForSupervisor(state.lab);
    return undefined;
  }
}

/** The state of a lab after a killed `apply` or `restart`, with names that are right. The caller has the lab's lock. */
export async function settled(state: LabState): Promise<LabState> {
  if (!state.isChanging) return state;
  correctState(state, await inspected(state));
  return readState(state.lab)!;
}

/** Writes a state with the names that there may be from now on, and which `down` removes. Throws Fault if one is taken. */
function keepNames(state: LabState, added: readonly string[]): LabState {
  using _ = lockNames();
  const changing = {
    ...state,
    names: [...new Set([...state.names, ...freeNames(state.lab, added)])],
    isChanging: true,
  };
  writeState(changing);
  return changing;
}

function endedMeanwhile({ lab }: LabState): Fault {
  return new Fault(
    code.unavailable,
    `The supervisor of the lab ${lab} ended during the change`,
    "Bring the lab up again: ns-net lab down, then ns-net lab up",
  );
}
