/** Brings a link up. */

import type { Where } from "../../kernel/kernel.ts";
import { changeLink, linkFlag } from "../../netlink/route/link.ts";
import { type AnyStep, differences, isStep, type Kind, missing } from "../kind.ts";
import { ipWord, linkWord, shellWord } from "../shellWords.ts";

export interface UpStep {
  readonly kind: "up";
  readonly where: Where;
  readonly link: string;
  /** The alias that names the attachment, set in the same message. */
  readonly alias?: string | undefined;
}

export const up: Kind<UpStep> = {
  apply({ where, link, alias }, kernel) {
    kernel.request(where, changeLink(`bring up ${link}`, { name: link, set: linkFlag.up, alias }));
    return false;
  },

  check({ where, link }, kernel) {
    const found = kernel.link(where, link);
    if (!found) return missing(`link ${link}`);
    return differences(`link ${link}`, { state: "up" }, { state: found.flags & linkFlag.up ? "up" : "down" });
  },

  reason: ({ where, link }) => {
    if (where === "host") return "An interface passes packets once it is up; the alias names the owner.";
    return link === "lo"
      ? "Programs inside reach each other at 127.0.0.1."
      : "An interface passes packets once it is up.";
  },

  print: ({ where, link, alias }, { netns }) => [
    `${ipWord(where, netns)} link set ${linkWord(link)} up${alias === undefined ? "" : ` alias ${shellWord(alias)}`}`,
  ],
};

/** True if the step brings that link up. */
export function bringsUp(where: Where, link: string, step: AnyStep): boolean {
  return isStep<UpStep>("up", step) && step.where === where && step.link === link;
}
