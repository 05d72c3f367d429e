/** The host's end of a veth that somebody gave another name: its alias still says whose it is. */
import { type Link, listLinks } from "../../netlink/route/link.ts";
import type { Kernel } from "../kernel.ts";
import { attachmentTold, hostLinkName } from "../names.ts";

/** `host` is the name that it was made with. */
export function renamedLink(host: string, kernel: Kernel): Link | undefined {
  return listLinks(kernel.route("host")).find(({ alias = "", group = 0 }) => {
    const told = attachmentTold(alias, group);
    return told !== undefined && hostLinkName(told) === host;
  });
}
