/** Makes an interface a port of a bridge or a VRF in the same namespace: the container's or the host's. */

import type { Where } from "../../kernel/kernel.ts";
import { changeLink } from "../../netlink/route/link.ts";
import { differences, type Kind, missing } from "../kind.ts";
import { ipWord, linkWord, shellWord } from "../shellWords.ts";

export interface MemberStep {
  readonly kind: "member";
  readonly link: string;
  readonly master: string;
  /** Absent: in the container. */
  readonly where?: Where;
}

const inOf = ({ where = "container" }: MemberStep) => where;

export const member: Kind<MemberStep> = {
  apply(step, kernel) {
    const { link, master } = step;
    const index = kernel.indexOf(inOf(step), master);
    kernel.request(inOf(step), changeLink(`put ${link} into ${master}`, { name: link, master: index }));
    kernel.forget(inOf(step), link);
    return true;
  },

  undo(step, kernel) {
    const { link, master } = step;
    const where = inOf(step);
    if (where === "container" && !kernel.netns) return;
    const found = kernel.link(where, link);
    if (found?.master === undefined || found.master !== kernel.link(where, master)?.index) return;
    kernel.request(where, changeLink(`take ${link} out of ${master}`, { name: link, master: 0 }));
    kernel.forget(where, link);
  },

  check(step, kernel) {
    const { link, master } = step;
    const what = `link ${link} ${inOf(step) === "container" ? "in the container" : "of the host"}`;
    const found = kernel.link(inOf(step), link);
    if (!found) return missing(what);
    const name = found.master === undefined ? undefined : kernel.linkByIndex(found.master, inOf(step))?.name;
    return differences(what, { master }, { master: name });
  },

  reason: ({ link, master }) => `${link} becomes a port of ${master}.`,

  print: (step, { netns }) => [
    `${ipWord(inOf(step), netns)} link set ${linkWord(step.link)} master ${shellWord(step.master)}`,
  ],
};
