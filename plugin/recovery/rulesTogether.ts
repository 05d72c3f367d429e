/** Rules of many attachments, written in one batch. */
import type { Attachment } from "../../conf/attachment.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { allExpected } from "../../step/expected.ts";
import { applyRules, finishRules, hasUndo, repairStep, type Step, undoStep } from "../../step/index.ts";
import type { Store } from "../../store/store.ts";
import { committedSteps } from "../removal/entrySteps.ts";

/** An attachment that could not be repaired, or not even compared, and why. */
export interface Failure {
  readonly attachment: Attachment;
  readonly error: Error;
}

/** False if `work` throws: the error is a failure of the attachment. */
export function trying(attachment: Attachment, failures: Failure[], work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    failures.push({ attachment, error: error as Error });
    return false;
  }
}

export interface Owned {
  readonly step: Step;
  /** One of the attachments that share it. */
  readonly attachment: Attachment;
}

/** Rules that differ, by the subject of their step: many attachments share one. */
export type Rules = ReadonlyMap<string, Owned>;

/**
 * Writes rules. The first of each kind creates what all of that kind share; the others then add only what is their own, in
 * one batch. If the kernel refuses that, each is written by itself, so that one does not stop the others: of two attachments
 * of a container one has a port, and the other waits.
 */
export function writeRules(rules: Rules, failures: Failure[], kernel: Kernel): void {
  const replace = ({ step, attachment }: Owned) =>
    trying(attachment, failures, () => {
      kernel.batch(repairStep(step, kernel));
      finishRules(step, kernel);
    });
  const kinds = new Set<string>();
  const others: Owned[] = [];
  for (const one of rules.values()) {
    if (kinds.has(one.step.kind)) others.push(one);
    else replace(one);
    kinds.add(one.step.kind);
  }
  const steps = others.map(({ step }) => step);
  try {
    applyRules(steps, kernel);
    for (const step of steps) finishRules(step, kernel);
  } catch {
    others.forEach(replace);
  }
}

/**
 * An attachment may have left since its entry was read: its DEL may have undone the rules before they were written here. So
 * those that no attachment has any more are undone again.
 */
export function undoDeparted(rules: Rules, failures: Failure[], store: Store, kernel: Kernel): void {
  if (rules.size === 0) return;
  const isStaying = stayingIn(store);
  for (const { step, attachment } of rules.values())
    if (hasUndo(step) && !isStaying(step)) trying(attachment, failures, () => undoStep(step, kernel));
}

/** True for a step of an attachment that is not leaving, as the store says now. */
export function stayingIn(store: Store): (step: Step) => boolean {
  const staying = new Set<string>();
  for (const entry of store.entries())
    if (entry.state === "attached")
      for (const step of allExpected(committedSteps(entry, store))) staying.add(JSON.stringify(step));
  return (step) => staying.has(JSON.stringify(step));
}
