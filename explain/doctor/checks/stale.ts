/** Things that attachments left which are gone: what `ns-net gc` would remove. */
import { type Check, fail, ok, warn } from "../finding.ts";

const shown = 3;

export const stale: Check = {
  id: "stale",
  async run(patient) {
    const lost = patient.store === undefined ? patient.lost() : undefined;
    if (lost !== undefined) return [fail(lost, `ns-net repair${patient.sameStore}`)];
    const lines = await patient.stale();
    if (lines.length === 0) return [ok("nothing is left of attachments that are gone")];
    const more = lines.length > shown ? ` and ${lines.length - shown} more` : "";
    return [
      warn(
        `things are left of attachments that are gone: ${lines.slice(0, shown).join(", ")}${more}`,
        `ns-net gc${patient.sameStore}`,
      ),
    ];
  },
};
