/** Attachments that another program changed since ADD. */
import { isAllOurs } from "../../../ipam/hostLocal/adopted.ts";
import { type Check, fail, orOk, warn } from "../finding.ts";
import type { Drifted } from "../patient.ts";

const shown = 3;

export const drift: Check = {
  id: "drift",
  run(patient) {
    const all = patient.drifted();
    const found = [
      ...byCure(all.filter(({ isUnknown }) => !isUnknown)).map(([texts, cure]) =>
        fail(`not as ADD made it: ${texts}`, cure),
      ),
      ...byCure(all.filter(({ isUnknown }) => isUnknown)).map(([texts, cure]) =>
        warn(`cannot be compared: ${texts}`, cure),
      ),
    ];
    const others = patient.attached.filter((entry) => entry.state === "attached" && !isAllOurs(entry)).length;
    const inPart = `nothing differs; of ${others} that another plugin made, a part is compared (ns-net check)`;
    return orOk(found, others === 0 ? "each attachment is as ADD made it" : inPart);
  },
};

/** An interface that is gone needs another cure than a rule. */
function byCure(drifted: readonly Drifted[]): (readonly [texts: string, cure: string])[] {
  return [...new Set(drifted.map(({ cure }) => cure))].map((cure) => {
    const all = drifted.filter((one) => one.cure === cure);
    const more = all.length > shown ? ` and ${all.length - shown} more` : "";
    const texts = all.slice(0, shown).map(({ text }) => text);
    return [`${texts.join("; ")}${more}`, cure];
  });
}
