/** `ns-net repair` */
import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import { defaultDataDir } from "../../conf/identity.ts";
import { faultOf } from "../../plugin/faults.ts";
import { type Repaired, repair } from "../../plugin/recovery/repair.ts";
import { committedSteps } from "../../plugin/removal/entrySteps.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { type Difference, differenceText, distinct, isMissing } from "../../step/kind.ts";
import { attachAgain } from "../attach/attachAgain.ts";
import { openedStore, sameStoreAs } from "../attachments.ts";
import { spoken } from "../byHand.ts";
import { callByHand } from "../callByHand.ts";
import { command } from "../command.ts";
import { waitForStore } from "../output/patience.ts";
import { progress } from "../output/progress.ts";
import { networkOptions } from "./options.ts";

export default command({
  about:
    "Rebuild a lost or damaged store from the links that exist, and repair what differs from what add made:\nrules that were flushed, a bridge that was deleted or is down, addresses and settings that are gone.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    "data-dir": networkOptions["data-dir"],
    "dry-run": { type: "boolean", about: "print what would be repaired, and change nothing" },
    json: { type: "boolean", about: "print JSON" },
  },

  async run({ options: { json, "data-dir": dataDir = defaultDataDir, "dry-run": dryRun = false } }) {
    await waitForStore(dataDir);
    using comparing = progress("comparing");
    const repaired = repair(dataDir, callByHand(), {
      dryRun,
      onProgress: (done, total, attachment) => comparing.at(done, attachmentText(attachment), total),
    });
    comparing[Symbol.dispose]();
    const failures = repaired.failures.map(({ attachment, error }) => {
      const fault = faultOf(error);
      return { attachment, fault, json: { ...attachment, message: fault.message, cure: fault.cure() } };
    });
    const shown = { ...repaired, failures: failures.map((one) => one.json) };
    writeOut(json ? `${JSON.stringify(shown, null, 2)}\n` : textOf(repaired, dataDir, dryRun));
    for (const { attachment, fault } of failures) process.stderr.write(spoken(fault, attachmentText(attachment)));
    const isLeft = repaired.attachments.some(({ left, gone }) => gone || (!dryRun && left.length > 0));
    return isLeft || repaired.unfinished.length > 0 || failures.length > 0 ? 1 : 0;
  },
});

/** A few lines for each attachment. */
function textOf(
  { damage, aside, rebuilt, attachments, unfinished }: Repaired,
  dataDir: string,
  dryRun: boolean,
): string {
  const lines: string[] = [];
  if (damage !== undefined) lines.push(`The store was damaged: ${damage}`);
  if (aside !== undefined) lines.push(`It was moved to ${aside}`);
  if (rebuilt > 0) {
    const what = rebuilt === 1 ? "1 entry" : `${rebuilt} entries`;
    lines.push(`${dryRun ? "would rebuild" : "rebuilt"} ${what} from the kernel`);
  }
  for (const { attachment, found, left, gone } of attachments) {
    const verb = dryRun ? "would repair" : left.length === 0 ? "repaired" : "could not repair all of";
    if (gone)
      lines.push(`cannot repair ${attachmentText(attachment)}, whose interface is gone: ${again(attachment, dataDir)}`);
    else lines.push(`${verb} ${attachmentText(attachment)}:`);
    const isRepaired = !dryRun && left.length === 0;
    for (const one of distinct(isRepaired ? found : left))
      lines.push(`  ${isRepaired ? wasText(one) : differenceText(one)}`);
  }
  for (const attachment of unfinished)
    lines.push(`cannot repair ${attachmentText(attachment)}, whose add did not end: ns-net gc${sameStoreAs(dataDir)}`);
  return lines.length === 0 ? "Nothing to repair.\n" : `${lines.join("\n")}\n`;
}

function again(attachment: Attachment, dataDir: string): string {
  using store = openedStore(dataDir);
  const entry = store?.find(attachment);
  if (entry === undefined) return "delete and add it again"; // a rebuild that was only tried
  return attachAgain(entry, committedSteps(entry, store).flat(), sameStoreAs(dataDir));
}

/** It is no longer so. */
function wasText(one: Difference): string {
  return isMissing(one) ? `${one.what} was missing` : `${one.what}: was ${one.found}, is ${one.expected}`;
}
