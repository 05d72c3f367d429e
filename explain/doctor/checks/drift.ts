/** Attachments that another program changed since ADD. */
import { type Check, fail, ok } from "../finding.ts";

const shown = 3;

export const drift: Check = {
  id: "drift",
  run(patient) {
    const all = patient.drifted();
    if (all.length === 0) return [ok("each attachment is as ADD made it")];
    const more = all.length > shown ? ` and ${all.length - shown} more` : "";
    return [fail(`not as ADD made it: ${all.slice(0, shown).join("; ")}${more}`, `ns-net repair${patient.sameStore}`)];
  },
};
