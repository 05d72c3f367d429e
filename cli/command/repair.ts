/** `ns-net repair` */
import { attachmentText } from "../../conf/attachment.ts";
import { defaultDataDir } from "../../conf/identity.ts";
import { faultOf } from "../../plugin/faults.ts";
import { repair, repairText } from "../../plugin/recovery/repair.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { spoken } from "../byHand.ts";
import { command } from "../command.ts";
import { networkOptions } from "./options.ts";

export default command({
  about:
    "Make a lost or broken store anew from the links that stand, and put right what differs from what add made:\nrules that were flushed, a bridge that was deleted or is down, addresses and settings that are gone.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    "data-dir": networkOptions["data-dir"],
    "dry-run": { type: "boolean", about: "print what would be put right, and change nothing" },
    json: { type: "boolean", about: "print JSON" },
  },

  run({ options: { json, "data-dir": dataDir = defaultDataDir, "dry-run": dryRun = false } }) {
    const repaired = repair(dataDir, dryRun);
    const failures = repaired.failures.map(({ attachment, error }) => {
      const fault = faultOf(error);
      return { attachment, fault, json: { ...attachment, message: fault.message, cure: fault.cure() } };
    });
    const shown = { ...repaired, failures: failures.map((one) => one.json) };
    writeOut(json ? `${JSON.stringify(shown, null, 2)}\n` : repairText(repaired, dryRun));
    for (const { attachment, fault } of failures) process.stderr.write(spoken(fault, attachmentText(attachment)));
    const isLeft = repaired.attachments.some(({ left, gone }) => gone || (!dryRun && left.length > 0));
    return isLeft || failures.length > 0 ? 1 : 0;
  },
});
