/** Attachments that another program changed since ADD. */
import { isAllOurs } from "../../../ipam/hostLocal/adopted.ts";
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
    const others = patient.entries.filter((entry) => entry.state === "attached" && !isAllOurs(entry)).length;
    const inPart = `nothing differs; of ${others} that another plugin made, a part is compared (ns-net check)`;
    return orOk(found, others === 0 ? "each attachment is as ADD made it" : inPart);
  },
};
