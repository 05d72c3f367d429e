/** Looks for signs of life of attachments: links, namespaces, addresses. Looks only when a function is called. */

import { formatCidr, withoutPrefix } from "../../ip/address.ts";
import { addressesElsewhere, globalOnes } from "../../kernel/addresses.ts";
import { findHostLink } from "../../kernel/hostLink.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { identityIn, openIfPresent, openIfSame } from "../../kernel/namespace.ts";
import { forEachNamespace } from "../../kernel/namespaces.ts";
import { isAliasOf } from "../../kernel/ownership.ts";
import { listAddresses } from "../../netlink/route/address.ts";
import { getLink, listLinks } from "../../netlink/route/link.ts";
import type { Entry } from "../../store/entry.ts";
import { errno, isKernelError, tolerating } from "../../sys/errors.ts";
import type { Netns, NetnsIdentity } from "../../sys/netns.ts";
import defer * as cached from "./cachedResult.ts";

/** Signs of life of any attachment. */
export interface Evidence {
  /** True if the host's end of its veth is on this host. */
  hasHostLink(entry: Entry): boolean;
  /**
   * `interface`: its namespace has the interface or one of its addresses, under any name; `namespace`: it has neither.
   * Looks for the namespace at its path, below /run/netns and in processes; for an entry that does not know it, where
   * the runtime says. Undefined if it is not found.
   */
  inNamespace(entry: Entry): "interface" | "namespace" | undefined;
  /** True if any other namespace has one of its addresses. */
  hasAddress(entry: Entry): boolean;
}

/** Looks on the kernel's host. `hasHostLink` comes from the caller, who knows when the links must be read. */
export function evidence(kernel: Kernel, hasHostLink: Evidence["hasHostLink"]): Evidence {
  let paths: ReadonlyMap<string, string> | undefined;
  let elsewhere: ReturnType<typeof addressesElsewhere> | undefined;
  const opened = (entry: Entry): Netns | undefined => {
    const identity = identityIn(entry);
    if (identity.inode === 0n) return openIfPresent(cached.namespaceInResult(entry.attachment));
    const netns = openIfSame(entry.netnsPath, identity);
    if (netns) return netns;
    // A namespace may exist after its path is gone, under another name or with a process in it.
    paths ??= pathsByIdentity();
    return openIfSame(paths.get(keyOf(identity)) ?? "", identity);
  };
  return {
    hasHostLink,
    inNamespace(entry) {
      const netns = opened(entry);
      if (netns === undefined) return undefined;
      using inside = kernel.withContainer(netns);
      return hasPartOf(entry, inside) ? "interface" : "namespace";
    },
    hasAddress(entry) {
      elsewhere ??= addressesElsewhere(kernel);
      return entry.addresses.some(({ address }) => elsewhere!.has(withoutPrefix(address)));
    },
  };
}

/**
 * True if the host's end of a veth leads into a namespace that lives. The kernel deletes the links of an ended namespace
 * later; but from its end on the namespace cannot be asked: the number that the link has for it is negative, or refused
 * (EINVAL). `name` is the one that ADD gave the link.
 */
export function leadsIntoNamespace(name: string, kernel: Kernel): boolean {
  kernel.forget("host", name);
  const link = findHostLink(name, kernel);
  if (link?.peerNetnsId === undefined) return link !== undefined;
  if (link.peerNetnsId < 0 || link.peerIndex === undefined) return false;
  const { peerIndex, peerNetnsId } = link;
  return tolerating(() => getLink(kernel.route("host"), peerIndex, peerNetnsId), errno.EINVAL) !== undefined;
}

function hasPartOf({ attachment, addresses }: Entry, inside: Kernel): boolean {
  try {
    const socket = inside.route("container");
    if (getLink(socket, attachment.ifname) !== undefined) return true;
    if (listLinks(socket).some(({ alias = "" }) => isAliasOf(alias, attachment))) return true;
    const leased = new Set(addresses.map(({ address }) => address));
    return globalOnes(listAddresses(socket)).some((cidr) => leased.has(formatCidr(cidr)));
  } catch (error) {
    if (isKernelError(error, errno.EPERM, errno.EACCES)) return true; // without the right to look, nothing proves that it is gone
    throw error;
  }
}

function pathsByIdentity(): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  forEachNamespace((netns) => paths.set(keyOf(netns), netns.path));
  return paths;
}

const keyOf = ({ device, inode }: NetnsIdentity) => `${device} ${inode}`;
