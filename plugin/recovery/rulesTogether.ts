/** Rules of many attachments, written in one batch. */
import type { Attachment } from "../../conf/attachment.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Message } from "../../netlink/message.ts";
import { allExpected } from "../../step/expected.ts";
import { finishRules, hasUndo, repairStep, type Step, undoStep } from "../../step/index.ts";
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

interface Rules {
  readonly step: Step;
  /** One of the attachments that share them. */
  readonly attachment: Attachment;
  readonly messages: readonly Message[];
}

export interface Work {
  /** By their step, as JSON: many attachments share one. */
  readonly rules: Map<string, Rules>;
  readonly failures: Failure[];
  readonly dryRun: boolean;
}

/**
 * Writes all in one batch; if the kernel refuses that, each by itself, so that one does not stop the others. Then each
 * reads the kernel again, because those before it changed it: of two attachments of a container one has a port, and the
 * other waits.
 */
export function writeRules({ rules, failures }: Work, kernel: Kernel): void {
  if (rules.size === 0) return;
  let written = [...rules.values()];
  try {
    kernel.batch(written.flatMap(({ messages }) => messages));
  } catch {
    written = written.filter(({ attachment, step }) =>
      trying(attachment, failures, () => kernel.batch(repairStep(step, kernel))),
    );
  }
  for (const { attachment, step } of written) trying(attachment, failures, () => finishRules(step, kernel));
}

interface Written {
  readonly rules: ReadonlyMap<string, Pick<Rules, "step" | "attachment">>;
  readonly failures: Failure[];
}

/**
 * An attachment may have left since its entry was read: its DEL may have undone the rules before they were written here. So
 * those that no attachment has any more are undone again.
 */
export function undoDeparted({ rules, failures }: Written, store: Store, kernel: Kernel): void {
  if (rules.size === 0) return;
  const staying = new Set<string>();
  for (const entry of store.entries())
    if (entry.state === "attached")
      for (const step of allExpected(committedSteps(entry, store))) staying.add(JSON.stringify(step));
  for (const { step, attachment } of rules.values())
    if (hasUndo(step) && !staying.has(JSON.stringify(step))) trying(attachment, failures, () => undoStep(step, kernel));
}
