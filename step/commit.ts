/** Applies steps to the kernel: all of them, or none. */
import type { Kernel } from "../kernel/kernel.ts";
import { WouldBlock } from "../sys/sharedProcess.ts";
import { applyRules, applyStep, finishRules, hasUndo, isRules, type Removal, type Step, undoStep } from "./index.ts";

/** Undoes what was created, newest first. Tries every undo and answers the errors. Throws WouldBlock alone. */
export type Undo = () => readonly Error[];

/**
 * Applies steps in order. If one fails, undoes those before it that this call created, and throws the step's error
 * unchanged: the first cause. The errors of that undo are added to `left`. Answers how to undo all of it later.
 */
export function commit(steps: readonly Step[], kernel: Kernel, left: Error[] = []): Undo {
  const made: Step[] = [];
  const undo = () => undoAll(made.splice(0).reverse(), kernel);
  try {
    for (let at = 0; at < steps.length; ) at = applyAt(at, steps, kernel, made);
  } catch (error) {
    if (!(error instanceof WouldBlock)) left.push(...undo()); // otherwise another process goes on from here
    throw error;
  }
  return undo;
}

/** Applies the step at `at`, or the neighbouring rules that begin there in one batch. Answers the index of the next step. */
function applyAt(at: number, steps: readonly Step[], kernel: Kernel, made: Step[]): number {
  const step = steps[at]!;
  if (!isRules(step)) {
    if (applyStep(step, kernel)) made.push(step);
    return at + 1;
  }
  let end = at + 1;
  while (end < steps.length && isRules(steps[end]!)) end++;
  const rules = steps.slice(at, end);
  applyRules(rules, kernel);
  for (const one of rules) if (hasUndo(one)) made.push(one);
  for (const one of rules) finishRules(one, kernel);
  return end;
}

export function undoAll(steps: readonly (Step | Removal)[], kernel: Kernel): Error[] {
  const errors: Error[] = [];
  for (const step of steps) {
    try {
      undoStep(step, kernel);
    } catch (error) {
      if (error instanceof WouldBlock) throw error;
      errors.push(error as Error);
    }
  }
  return errors;
}
