/** The host's end of a veth that somebody gave another name: its alias still says whose it is. */
import { type Link, listLinks } from "../netlink/route/link.ts";
import type { Kernel } from "./kernel.ts";
import { hostLinkName, isHostLinkName } from "./linkNames.ts";
import { attachmentOfHostAlias } from "./ownership.ts";

/** `host` is the name that it was made with. */
export function renamedLink(host: string, kernel: Kernel): Link | undefined {
  return listLinks(kernel.route("host")).find((link) => madeName(link) === host);
}

/** The name that a host end was made with, whatever a person called it since; that of any other link is its own. */
export function madeName({ name = "", alias = "", group = 0 }: Link): string {
  if (isHostLinkName(name)) return name;
  const told = attachmentOfHostAlias(alias, group);
  return told ? hostLinkName(told) : name;
}
