/** Makes a lab that is up what its file says now. */
import { resolve } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import type { Source } from "../file/mistakes.ts";
import type { Lab } from "../model/lab.ts";
import { labOf, readLab } from "../model/resolve.ts";
import { addedBy, type Change, differences, emptyLab, stoppedBy } from "../plan/differences.ts";
import type { OnProgress } from "../world/world.ts";
import { followed, settled } from "./change.ts";
import { applied, interrupt, keep, labsUp, running } from "./client.ts";
import { lockLab } from "./lock.ts";
import { holderNames, namesOf } from "./names.ts";
import { hashOf, refuseOtherFile, signals, startLab } from "./start.ts";
import { isAlive, type LabState, readState } from "./state.ts";

/** The changes of a file that is not applied yet. No other command changes the lab until this is disposed of. */
export interface Applying extends Disposable {
  readonly lab: Lab;
  /** All is added if the lab is not up. */
  readonly changes: readonly Change[];
  /** Makes the changes, all or none. Throws Fault. */
  commit(onProgress: OnProgress): Promise<void>;
}

/**
 * Changes nothing. Throws BadLabFile, and Fault if the file has another name for the lab that is up from it, or its name is
 * that of a lab that is up from another file.
 */
export async function applying(source: Source): Promise<Applying> {
  const isMeant = ({ file }: LabState) => file === resolve(source.file);
  for (let found = labsUp().find(isMeant); found; found = labsUp().find(isMeant)) {
    const lock = lockLab(found.lab);
    try {
      const state = readState(found.lab);
      if (state?.isUp && isAlive(state)) return await onRunning(source, await settled(state), lock);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
    lock[Symbol.dispose](); // it was ended while this waited
  }
  const lab = labOf(source);
  const other = readState(lab.name);
  if (other?.isUp && isAlive(other)) refuseOtherFile(other, lab);
  const commit = async (onProgress: OnProgress) => void (await startLab(lab, source, onProgress));
  return { lab, changes: differences(emptyLab(lab), lab), commit, [Symbol.dispose]() {} };
}

async function onRunning(source: Source, state: LabState, lock: Disposable): Promise<Applying> {
  const asked = running(state); // it answers while the file is read
  asked.catch(() => {}); // a mistake of the file counts first
  const read = readLab(source);
  const { lab: before, dead } = await asked;
  const lab = read(before);
  if (lab.name !== before.name) throw renamed(lab, state);
  if ((lab.underlay === undefined) !== (before.underlay === undefined)) throw otherHosts(state);
  const changes = differences(before, lab, new Set(dead));
  const hash = hashOf(source);
  const isDone = changes.length === 0 && hash === state.hash;
  const commit = async (onProgress: OnProgress) => {
    if (!isDone) await committed(state, lab, hash, changes, onProgress);
  };
  return { lab, changes, commit, [Symbol.dispose]: () => lock[Symbol.dispose]() };
}

function renamed({ name, file }: Lab, { lab }: LabState): Fault {
  return new Fault(
    code.config,
    `The lab ${lab} is up from ${file}, which now names it ${name}`,
    `Restore its name, or end it first: ns-net lab down --lab ${lab}`,
  );
}

function otherHosts({ lab, file }: LabState): Fault {
  return new Fault(
    code.config,
    `The lab ${lab} is up, and ${file} changes between one host and several`,
    "Begin again: ns-net lab down, then ns-net lab up",
  );
}

async function committed(
  state: LabState,
  lab: Lab,
  hash: string,
  changes: readonly Change[],
  onProgress: OnProgress,
): Promise<void> {
  const pods = lab.pods.map(({ name }) => name);
  const { isChanging: _, ...before } = state;
  const next = { ...before, hash, pods, names: namesOf(lab.name, holderNames(lab)) };
  const onSignal = (signal: string) => void interrupt(state, `Interrupted by ${signal}`).catch(() => {});
  for (const signal of signals) process.on(signal, onSignal);
  try {
    await followed(applied(state, { lab, stopped: [...stoppedBy(changes)], next }), {
      state,
      added: addedBy(changes),
      onProgress,
      keep: () =>
        keep(state).then(
          () => true,
          () => false,
        ),
    });
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}
