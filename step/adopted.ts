/**
 * An attachment that the reference's plugins created and ns-net took over. Its undo removes the interface, the rules, the
 * ifb of `bandwidth`, and last host-local's reservation, which proves that the attachment is the reference's.
 */
import { existsSync } from "node:fs";
import type { Attachment } from "../conf/attachment.ts";
import { formatAddress, parseAddress } from "../ip/address.ts";
import type { AdoptedStep } from "../ipam/hostLocal/adopted.ts";
import { release } from "../ipam/hostLocal/reservations.ts";
import { hostEnds, interfaceOf } from "../kernel/hostEnds.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { openIfPresent } from "../kernel/namespace.ts";
import { getChain } from "../netlink/nft/chain.ts";
import { family } from "../netlink/nft/message.ts";
import { hasRules } from "../netlink/nft/rule.ts";
import { vethKind } from "../netlink/route/kind/veth.ts";
import { deleteLink, getLink, type Link, linkFlag } from "../netlink/route/link.ts";
import { openSocketIn, protocol } from "../netlink/socket.ts";
import { type Part, removeRules } from "../reference/iptables.ts";
import { removeSpoofCheck } from "../reference/macSpoofCheck.ts";
import { masqueradeChain, portChains, shapingLink } from "../reference/names.ts";
import { removeNftRules } from "../reference/nftables.ts";
import { errno, tolerating } from "../sys/errors.ts";
import { closeNetns, isSameNetns } from "../sys/netns.ts";
import { type Difference, differences, type Kind, missing } from "./kind.ts";

export type { AdoptedStep };

/** The part that the DEL of one plugin removes. The DEL of an interface plugin, the last of a list, removes all parts. */
export type AdoptedPart = Part | "bandwidth" | "lease";

export interface AdoptedKey extends Omit<AdoptedStep, "kind"> {
  /** Absent: all of them. */
  readonly part?: AdoptedPart;
  /** Path of the container's namespace; absent if it is gone or unknown. */
  readonly netns?: string;
  /** The host's end, as prevResult has it. */
  readonly hostLink?: { readonly name: string; readonly mac: string };
}

export const adopted: Kind<AdoptedStep, AdoptedKey> = {
  /** The reference's plugins did. */
  apply: () => false,

  undo(key, kernel) {
    const { attachment, addresses, files, part } = key;
    const isAsked = (which: AdoptedPart) => part === undefined || part === which;
    if (part === undefined) {
      removeInterface(key, kernel);
      removeSpoofCheck(attachment, kernel);
    }
    if (isAsked("bandwidth")) removeShaping(shapingLink(attachment), kernel);
    const parts = (["masquerade", "portmap", "firewall"] as const).filter(isAsked);
    if (parts.length > 0) {
      removeRules({ attachment, addresses, parts }, kernel);
      removeNftRules({ attachment, addresses, parts }, kernel);
    }
    if (isAsked("lease")) release(attachment.container, files);
  },

  /** Routes are not known, and of rules only that no chain of the attachment is empty. */
  check({ attachment, addresses, files, bridge }, kernel) {
    const lost = [
      ...files.filter((file) => !existsSync(file)).flatMap((file) => missing(`reservation ${file}`)),
      ...emptyChains(attachment, kernel).map((chain) => ({ what: `chain ${chain}`, expected: "rules", found: "none" })),
    ];
    const inner = interfaceOf(attachment, addresses, kernel);
    if (!inner && attachment.ifname === "") return [...lost, ...addresses.flatMap((one) => missing(`address ${one}`))];
    if (!inner) return [...lost, ...missing(`link ${attachment.ifname} in the container`)];
    const { name: ifname = "" } = inner;
    const have = kernel.addresses("container", ifname).map(formatAddress);
    const gone = addresses.filter((text) => !have.includes(formatAddress(parseAddress(text)!)));
    return [
      ...lost,
      ...gone.flatMap((address) => missing(`address ${address} of ${ifname} in the container`)),
      ...stateDifferences(inner, `${ifname} in the container`),
      ...(inner.info?.kind === vethKind ? hostEndDifferences(inner, bridge, kernel) : []),
    ];
  },

  isPresent: ({ attachment, addresses }, kernel) => interfaceOf(attachment, addresses, kernel) !== undefined,

  reason: () => "Another plugin attached it, before ns-net took its place.",

  print: ({ attachment: { ifname }, addresses }) => [
    `# ${ifname} with ${addresses.join(" and ")}: made by another plugin`,
  ],
};

/** Chains of the attachment's NAT and ports that another program emptied, in the tables of iptables-nft. */
function emptyChains(attachment: Attachment, kernel: Kernel): string[] {
  return [masqueradeChain(attachment), portChains(attachment)[0]!].filter((name) => {
    const tables = [family.ipv4, family.ipv6]
      .map((number) => ({ family: number, name: "nat" }))
      .filter((table) => getChain(kernel.netfilter, table, name) !== undefined);
    // Ports at an IPv4 address leave the chain of IPv6 without rules.
    return tables.length > 0 && !tables.some((table) => hasRules(kernel.netfilter, table, name));
  });
}

/** The host's end is known by the other one, because its name is random. */
function hostEndDifferences(inner: Link, bridge: string | undefined, kernel: Kernel): Difference[] {
  const { netns: pod, host: own } = kernel;
  if (pod === undefined) return [];
  const outer = hostEnds({ pod, own, inside: kernel.route("container"), host: kernel.route("host") })(inner);
  if (outer === undefined) return missing(`the host's end of ${inner.name}`);
  const { name = "", master } = outer;
  const found = master === undefined ? undefined : kernel.linkByIndex(master)?.name;
  return [...stateDifferences(outer, name), ...differences(`link ${name}`, { bridge }, { bridge: found })];
}

function stateDifferences({ flags }: Link, name: string): Difference[] {
  return differences(`link ${name}`, { state: "up" }, { state: flags & linkFlag.up ? "up" : "down" });
}

/** Kinds of interface that the reference's plugins create. Other kinds are lent devices: the kernel returns them when the namespace ends. */
const madeKinds: readonly (string | undefined)[] = [vethKind, "macvlan", "ipvlan", "vlan", "dummy", "tun"];

/** Deletes the host's end that prevResult has, and the interface in the container. */
function removeInterface({ attachment: { ifname }, netns = "", hostLink }: AdoptedKey, kernel: Kernel): void {
  const found = hostLink && getLink(kernel.route("host"), hostLink.name);
  if (hostLink && found?.info?.kind === vethKind && found.address === hostLink.mac) removeLink(hostLink.name, kernel);
  const container = openIfPresent(netns);
  if (container === undefined) return;
  const isOwn = isSameNetns(container, kernel.host);
  const inside = openSocketIn(container, protocol.route);
  closeNetns(container);
  try {
    if (isOwn || !madeKinds.includes(getLink(inside, ifname)?.info?.kind)) return;
    tolerating(() => inside.request(deleteLink(ifname)), errno.ENODEV);
  } finally {
    inside.close();
  }
}

function removeShaping(name: string, kernel: Kernel): void {
  if (kernel.link("host", name)?.info?.kind === "ifb") removeLink(name, kernel);
}

function removeLink(name: string, kernel: Kernel): void {
  tolerating(() => kernel.request("host", deleteLink(name)), errno.ENODEV);
  kernel.forget("host", name);
}
