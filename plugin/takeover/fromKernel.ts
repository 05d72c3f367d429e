/**
 * Finds an attachment of the reference's plugins in the kernel, for a DEL that has no other trace of it: there is no
 * `prevResult` before cniVersion 0.4.0, and host-local is the only IPAM that leaves files.
 */
import { formatAddress } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import { hostEnds, type Sight } from "../../kernel/hostEnds.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { openIfPresent } from "../../kernel/namespace.ts";
import { getChain } from "../../netlink/nft/chain.ts";
import { family } from "../../netlink/nft/message.ts";
import { listAddresses } from "../../netlink/route/address.ts";
import { getLink, type Link, listLinks } from "../../netlink/route/link.ts";
import { routeScope } from "../../netlink/route/route.ts";
import { type NetlinkSocket, openSocketIn, protocol } from "../../netlink/socket.ts";
import { hasSpoofCheck } from "../../reference/macSpoofCheck.ts";
import { masqueradeChain, portChains, shapingLink } from "../../reference/names.ts";
import { closeNetns, isSameNetns } from "../../sys/netns.ts";
import type { Asked } from "./asked.ts";

interface Found {
  /** True if the container's interface is the reference's, and not only rules or a device of the host. */
  readonly isInterface: boolean;
  /** The interface's, without prefix length. */
  readonly addresses: readonly string[];
}

/** Undefined if nothing there is provably the reference's. */
export function attachmentFromKernel(asked: Asked, kernel: Kernel): Found | undefined {
  const pod = openIfPresent(asked.netns);
  if (pod === undefined) return byNames(asked, kernel, true);
  const own = kernel.host;
  const inside = isSameNetns(pod, own) ? undefined : openSocketIn(pod, protocol.route);
  try {
    return inside ? inNamespace(asked, { pod, own, inside, host: kernel.route("host") }, kernel) : undefined;
  } finally {
    inside?.close();
    closeNetns(pod);
  }
}

function inNamespace(asked: Asked, sight: Sight, kernel: Kernel): Found | undefined {
  const { attachment } = asked;
  const links = listLinks(sight.inside);
  const outerOf = hostEnds(sight);
  const named = links.find(({ name }) => name === attachment.ifname);
  // The names do not contain the interface: they may be those of another interface of the container.
  if (!named) return links.some((link) => isReferences(outerOf(link))) ? undefined : byNames(asked, kernel, true);
  const outer = outerOf(named);
  if (isOurs(named) || isOurs(outer)) return undefined;
  if (!isReferences(outer) || !isOfNetwork(asked, outer, sight.host)) return byNames(asked, kernel, false);
  return { isInterface: true, addresses: addressesOf(named, sight.inside) };
}

/** The reference gives its links no group; ns-net gives one to each. */
const isOurs = (link: Link | undefined) => (link?.group ?? 0) !== 0;

/** bridge and ptp give the host's end four random bytes as its name (plugins/pkg/ip/link_linux.go, RandomVethName). */
function isReferences(outer: Link | undefined): outer is Link {
  return outer !== undefined && !isOurs(outer) && /^veth[0-9a-f]{8}$/.test(outer.name ?? "");
}

/**
 * The veth is this network's only if its bridge is the configured one. A chained plugin knows no bridge and goes by chain
 * names; the interface plugin, whose DEL runs last, removes the rest.
 */
function isOfNetwork({ type = "ns-net", bridge }: Asked, { master }: Link, host: NetlinkSocket): boolean {
  if (type === "ptp") return !master;
  if ((type !== "bridge" && type !== "ns-net") || !master) return false;
  return getLink(host, master)?.name === bridge;
}

function addressesOf({ index }: Link, inside: NetlinkSocket): string[] {
  return listAddresses(inside, index).flatMap(({ local, address, scope }) => {
    const bytes = local ?? address;
    return bytes === undefined || scope === routeScope.link ? [] : [formatAddress(addressFromBytes(bytes))];
  });
}

/** By names that contain a hash of network and container; those of macspoofchk contain the interface and no network. */
function byNames({ attachment, type = "ns-net" }: Asked, kernel: Kernel, isGone: boolean): Found | undefined {
  const chains = [masqueradeChain(attachment), portChains(attachment)[0]!];
  const has = (number: number) =>
    chains.some((name) => getChain(kernel.netfilter, { family: number, name: "nat" }, name) !== undefined);
  const isFound =
    has(family.ipv4) ||
    has(family.ipv6) ||
    kernel.link("host", shapingLink(attachment))?.info?.kind === "ifb" ||
    (isGone && (type === "bridge" || type === "ns-net") && hasSpoofCheck(attachment, kernel));
  return isFound ? { isInterface: false, addresses: [] } : undefined;
}
