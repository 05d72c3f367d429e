/** Steps to kernel: all of them, or none. */
import type { Kernel } from "./kernel.ts";
import { applyStep, type Removal, type Step, undoStep } from "./step/index.ts";

/** Undoes, newest first, what was made; every undo is tried, and what they complained of comes back. */
export type Undo = () => readonly Error[];

/**
 * Applies steps in order. When one fails, what this call made before it is undone and the step's error is thrown as it
 * came: the first cause, whatever happens after it. Answers how to undo it all later.
 */
export function commit(steps: readonly Step[], kernel: Kernel): Undo {
  const made: Step[] = [];
  const undo = () => undoAll(made.splice(0).reverse(), kernel);
  for (const step of steps) {
    try {
      if (applyStep(step, kernel)) made.push(step);
    } catch (error) {
      undo();
      throw error;
    }
  }
  return undo;
}

export function undoAll(steps: readonly (Step | Removal)[], kernel: Kernel): Error[] {
  const errors: Error[] = [];
  for (const step of steps) {
    try {
      undoStep(step, kernel);
    } catch (error) {
      errors.push(error as Error);
    }
  }
  return errors;
}
