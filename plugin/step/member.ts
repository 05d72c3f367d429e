/** The container's interface as a port of a bridge or of a VRF that is in the container, too. */
import { changeLink } from "../../netlink/route/link.ts";
import { differences, type Kind, missing } from "./step.ts";
import { ipWord } from "./words.ts";

export interface MemberStep {
  readonly kind: "member";
  readonly link: string;
  readonly master: string;
  readonly netns: string;
}

export const member: Kind<MemberStep> = {
  apply({ link, master }, kernel) {
    const index = kernel.indexOf("pod", master);
    kernel.request("pod", changeLink(`put ${link} into ${master}`, { name: link, master: index }));
    kernel.forget("pod", link);
    return true;
  },

  undo({ link, master }, kernel) {
    if (!kernel.netns) return;
    const found = kernel.link("pod", link);
    if (found?.master === undefined || found.master !== kernel.link("pod", master)?.index) return;
    kernel.request("pod", changeLink(`take ${link} out of ${master}`, { name: link, master: 0 }));
    kernel.forget("pod", link);
  },

  check({ link, master }, kernel) {
    const found = kernel.link("pod", link);
    if (!found) return missing(`link ${link} in the container`);
    const name = found.master === undefined ? undefined : kernel.linkByIndex(found.master, "pod")?.name;
    return differences(`link ${link} in the container`, { master }, { master: name });
  },

  print: ({ link, master, netns }) => [`${ipWord("pod", netns)} link set ${link} master ${master}`],
};
