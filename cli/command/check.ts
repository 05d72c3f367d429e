/** `ns-net check <netns>` */

import { attachmentText } from "../../conf/attachment.ts";
import { familyOf } from "../../ip/address.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { hintAtBlockers } from "../../plugin/diagnose/forwardPolicy.ts";
import { committedSteps, hasVeth } from "../../plugin/removal/entrySteps.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { allExpected } from "../../step/expected.ts";
import { checkStep, type Step } from "../../step/index.ts";
import { type Difference, distinct, isMissing } from "../../step/kind.ts";
import type { Entry } from "../../store/entry.ts";
import { bridgeOf, dataDirOf, openedStore, openNetnsOf } from "../attachments.ts";
import { toStderr } from "../callByHand.ts";
import { columns, command } from "../command.ts";
import { someEntriesOf } from "../suggest.ts";
import { targetOf } from "../target.ts";
import { filterOptions } from "./options.ts";

export default command({
  about: "Compare an attachment with what add made. Exits with 1 when something differs.",
  usage: "<netns> [options]",
  operands: [1, 1],
  options: { ...filterOptions, json: { type: "boolean", about: "print JSON" } },

  run({ options, operands }) {
    const dataDir = dataDirOf(options);
    const { network, ifname } = options;
    const found = someEntriesOf(targetOf(operands[0]!), { network, ifname, dataDir });
    using store = openedStore(dataDir);
    const reports = found.map((entry) => ({
      attachment: entry.attachment,
      differences: differencesOf(entry, committedSteps(entry, store)),
    }));
    if (options.json) writeOut(`${JSON.stringify(reports, null, 2)}\n`);
    else for (const { attachment, differences } of reports) writeOut(textOf(attachmentText(attachment), differences));
    reportBlockers(found);
    return reports.some(({ differences }) => differences.length > 0) ? 1 : 0;
  },
});

/** Compares every committed step, as chained plugins left it, with the kernel now. */
function differencesOf(entry: Entry, committed: readonly (readonly Step[])[]): readonly Difference[] {
  if (entry.steps === undefined)
    return [{ what: "attachment", expected: "attached", found: "an add that did not end" }];
  using kernel = openKernel({ container: openNetnsOf(entry) });
  return distinct(allExpected(committed).flatMap((step) => checkStep(step, kernel)));
}

/** Reports rules that drop forwarded packets: the attachment is right, and yet has no connection. */
function reportBlockers(entries: readonly Entry[]): void {
  const families = new Map<string, boolean>();
  for (const entry of entries) {
    const { addresses, hostLink } = entry;
    const hasIpv6 = addresses.some(({ address }) => familyOf(address) === 6);
    // Packets of a ptp link arrive by the host end.
    const through = bridgeOf(entry) ?? (hasVeth(entry) ? hostLink : undefined);
    if (through && addresses.some(({ gateway }) => gateway))
      families.set(through, hasIpv6 || families.get(through) === true);
  }
  using kernel = openKernel({ stderr: toStderr });
  for (const [through, hasIpv6] of families) hintAtBlockers(through, hasIpv6, kernel);
}

function textOf(what: string, differences: readonly Difference[]): string {
  if (differences.length === 0) return `${what}: as add made it\n`;
  const rows = differences.map((one) => {
    return isMissing(one) ? [one.what, "is missing"] : [one.what, `expected ${one.expected}`, `found ${one.found}`];
  });
  return `${what}: not as add made it\n${columns(rows, "  ")}`;
}
