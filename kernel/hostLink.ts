/**
 * The host's end of an attachment's veth: known by the name that ADD gave it, or by its alias if a person renamed it.
 */
import { deleteLink, type Link, listLinks } from "../netlink/route/link.ts";
import { errno, tolerating } from "../sys/errors.ts";
import type { Kernel } from "./kernel.ts";
import { hostLinkName, isHostLinkName } from "./linkNames.ts";
import { attachmentOfHostAlias } from "./ownership.ts";

/** Finds the link that ADD created under `name`, as the kernel had it when it was first asked for. */
export function findHostLink(name: string, kernel: Kernel): Link | undefined {
  return kernel.link("host", name) ?? renamedLink(name, kernel);
}

/** Deletes that link, and with it the other end. False if the host has none. */
export function deleteHostLink(name: string, kernel: Kernel): boolean {
  try {
    if (tolerating(() => kernel.request("host", deleteLink(name)), errno.ENODEV)) return true;
    const found = renamedLink(name, kernel);
    if (found) kernel.request("host", { ...deleteLink(found), absent: errno.ENODEV });
    return found !== undefined;
  } finally {
    kernel.forget("host", name);
  }
}

function renamedLink(name: string, kernel: Kernel): Link | undefined {
  return listLinks(kernel.route("host")).find((link) => createdName(link) === name);
}

/** The name that ADD gave to a host end, even if a person renamed it; for any other link its own name. */
export function createdName({ name = "", alias = "", group = 0 }: Link): string {
  if (isHostLinkName(name)) return name;
  const attachment = attachmentOfHostAlias(alias, group);
  return attachment ? hostLinkName(attachment) : name;
}
