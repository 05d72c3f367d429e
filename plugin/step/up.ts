/** A link of the container brought up. */
import { changeLink, linkFlag } from "../../netlink/route/link.ts";
import { differences, type Kind, missing } from "./step.ts";
import { netnsWord } from "./veth.ts";

export interface UpStep {
  readonly kind: "up";
  readonly link: string;
  readonly netns: string;
}

export const up: Kind<UpStep> = {
  apply({ link }, kernel) {
    kernel.request(
      "pod",
      changeLink(`bring up ${link} in the container`, { index: kernel.indexOf("pod", link), set: linkFlag.up }),
    );
    return false;
  },

  check({ link }, kernel) {
    const found = kernel.link("pod", link);
    if (!found) return missing(`link ${link} in the container`);
    return differences(
      `link ${link} in the container`,
      { state: "up" },
      { state: found.flags & linkFlag.up ? "up" : "down" },
    );
  },

  print: ({ link, netns }) => [`ip -n ${netnsWord(netns)} link set ${link} up`],
};
