/** Takes a link down: nothing enters or leaves by it. */
import { changeLink, linkFlag } from "../../netlink/route/link.ts";
import { differences, type Kind, missing } from "../kind.ts";
import { linkWord } from "../shellWords.ts";

export interface DownStep {
  readonly kind: "down";
  /** A link of the host. */
  readonly link: string;
}

export const down: Kind<DownStep> = {
  apply({ link }, kernel) {
    kernel.request("host", changeLink(`take down ${link}`, { name: link, clear: linkFlag.up }));
    kernel.forget("host", link);
    return true;
  },

  /** Routes through it went with it; the caller adds them again. */
  undo({ link }, kernel) {
    if (kernel.link("host", link) === undefined) return;
    kernel.request("host", changeLink(`bring up ${link}`, { name: link, set: linkFlag.up }));
    kernel.forget("host", link);
  },

  check({ link }, kernel) {
    const found = kernel.link("host", link);
    if (!found) return missing(`link ${link}`);
    return differences(`link ${link}`, { state: "down" }, { state: found.flags & linkFlag.up ? "up" : "down" });
  },

  reason: ({ link }) => `${link} is down: nothing enters or leaves by it.`,

  print: ({ link }) => [`ip link set ${linkWord(link)} down`],
};
