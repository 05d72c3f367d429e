/** Attachments that no other plugin can remove: `uninstall` refuses while there are some. */
import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import { code, Fault } from "../../conf/fault.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { committedSteps } from "../../plugin/removal/entrySteps.ts";
import { entryOfRecord } from "../../plugin/takeover/withoutEntry.ts";
import { outlivesLink } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import { openedStore } from "../attachments.ts";
import { living } from "../living.ts";

/**
 * Attachments that leave more than their link, by their own ADD or by chained plugins: a published port would lead to the
 * next container with that address. `all`: those that live.
 */
export function withMoreThanLinks(all: readonly Entry[], dataDir: string): Attachment[] {
  using store = openedStore(dataDir);
  using kernel = openKernel();
  const bound = all.filter((entry) => committedSteps(entry, store).flat().some(outlivesLink));
  // In a list that mixes plugins, another one made the interface, and there is no entry.
  const alone = (store?.chainedRecordsOf() ?? []).filter(({ attachment }) => store?.find(attachment) === undefined);
  const recorded = alone.map(entryOfRecord);
  const isLiving = living(recorded, kernel);
  const found = [...bound, ...recorded.filter(isLiving)].map(({ attachment }) => attachment);
  return [...new Map(found.map((attachment) => [attachmentText(attachment), attachment])).values()];
}

const namedMost = 10;

/** `what`: the verb for one and for several, and the rest of the sentence. */
export function refusal(all: readonly Attachment[], [one, many]: readonly [string, string], rest: string): Fault {
  const names = all.slice(0, namedMost).map(attachmentText).join(", ");
  const more = all.length > namedMost ? ` and ${all.length - namedMost} more` : "";
  return new Fault(
    code.config,
    `Cannot uninstall: ${names}${more} ${all.length === 1 ? one : many} ${rest}`,
    "Delete these containers first, or give --force",
  );
}
