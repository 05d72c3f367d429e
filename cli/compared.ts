/** Compares attachments with what ADD made, for `check` and `doctor`. */
import { type Attachment, attachmentText } from "../conf/attachment.ts";
import { openKernel } from "../kernel/kernel.ts";
import { faultOf } from "../plugin/faults.ts";
import { committedSteps } from "../plugin/removal/entrySteps.ts";
import { allExpected } from "../step/expected.ts";
import { checkStep, type Step } from "../step/index.ts";
import { type Difference, distinct } from "../step/kind.ts";
import type { Entry } from "../store/entry.ts";
import { isInProgress } from "../store/index.ts";
import { openedStore, openNetnsOf } from "./attachments.ts";
import { progress } from "./output/progress.ts";

export interface Report {
  readonly attachment: Attachment;
  readonly differences: readonly Difference[];
  /** Why it could not be compared, with the cure. */
  readonly error?: { readonly message: string; readonly cure: string };
  /** The process that is adding or deleting it at this moment: there is nothing to compare yet. */
  readonly busy?: number;
}

export const isWrong = ({ differences, error }: Report): boolean => differences.length > 0 || error !== undefined;

/** `isOne`: a person named the namespace, so what prevents the comparison is the answer, and is thrown. */
export function reportsOf(found: readonly Entry[], dataDir: string | undefined, isOne: boolean): Report[] {
  using store = openedStore(dataDir);
  using shown = progress("checking", found.length);
  return found.map((entry, i): Report => {
    const { attachment } = entry;
    shown.at(i, attachmentText(attachment));
    if (!isOne && isInProgress(entry)) return { attachment, differences: [], busy: entry.pid };
    try {
      return { attachment, differences: differencesOf(entry, committedSteps(entry, store)) };
    } catch (error) {
      if (isOne) throw error;
      const fault = faultOf(error);
      return { attachment, differences: [], error: { message: fault.message, cure: fault.cure({ byHand: true }) } };
    }
  });
}

/** Compares every committed step, as chained plugins left it, with the kernel now. */
function differencesOf(entry: Entry, committed: readonly (readonly Step[])[]): readonly Difference[] {
  if (entry.steps === undefined)
    return [{ what: "attachment", expected: "attached", found: "an add that did not end" }];
  using kernel = openKernel({ container: openNetnsOf(entry) });
  return distinct(allExpected(committed).flatMap((step) => checkStep(step, kernel)));
}
