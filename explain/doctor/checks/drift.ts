/** Attachments that another program changed since ADD. */
import { type Check, fail, orOk } from "../finding.ts";

const shown = 3;

export const drift: Check = {
  id: "drift",
  run(patient) {
    // An interface that is gone needs another cure than a rule.
    const drifted = patient.drifted();
    const found = [...new Set(drifted.map(({ cure }) => cure))].map((cure) => {
      const all = drifted.filter((one) => one.cure === cure);
      const more = all.length > shown ? ` and ${all.length - shown} more` : "";
      const texts = all.slice(0, shown).map(({ text }) => text);
      return fail(`not as ADD made it: ${texts.join("; ")}${more}`, cure);
    });
    return orOk(found, "each attachment is as ADD made it");
  },
};
