/**
 * All that the reference's plugins made of an attachment, to be undone by ns-net that came in their place: the
 * interface, the rules, the device that shapes, and last host-local's reservation, which is the proof of it all.
 */
import { existsSync } from "node:fs";
import { formatAddress, parseAddress } from "../ip/address.ts";
import type { AdoptedStep } from "../ipam/hostLocal/adopted.ts";
import { release } from "../ipam/hostLocal/reservations.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { openIfPresent } from "../kernel/namespace.ts";
import { vethKind } from "../netlink/route/kind/veth.ts";
import { deleteLink, getLink } from "../netlink/route/link.ts";
import { openSocketIn, protocol } from "../netlink/socket.ts";
import { type Part, removeRules } from "../reference/iptables.ts";
import { removeSpoofCheck } from "../reference/macSpoofCheck.ts";
import { shapingLink } from "../reference/names.ts";
import { removeNftRules } from "../reference/nftables.ts";
import { errno, tolerating } from "../sys/errors.ts";
import { closeNetns, isSameNetns } from "../sys/netns.ts";
import { type Kind, missing } from "./kind.ts";

export type { AdoptedStep };

/** Which plugin is asked to take back its part; those that make the interface, and come last in a DEL, take back all. */
export type AdoptedPart = Part | "bandwidth" | "lease";

export interface AdoptedKey extends Omit<AdoptedStep, "kind"> {
  /** Absent: all of them. */
  readonly part?: AdoptedPart;
  /** The container's namespace; absent where it is gone or not known. */
  readonly netns?: string;
  /** The host's end as the result of ADD tells it. */
  readonly hostLink?: { readonly name: string; readonly mac: string };
}

export const adopted: Kind<AdoptedStep, AdoptedKey> = {
  /** Somebody else did. */
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

  check({ attachment: { ifname }, addresses, files }, kernel) {
    const lost = files.filter((file) => !existsSync(file)).flatMap((file) => missing(`reservation ${file}`));
    if (!kernel.link("container", ifname)) return [...lost, ...missing(`link ${ifname} in the container`)];
    const have = kernel.addresses("container", ifname).map(formatAddress);
    const gone = addresses.filter((text) => !have.includes(formatAddress(parseAddress(text)!)));
    return [...lost, ...gone.flatMap((address) => missing(`address ${address} of ${ifname} in the container`))];
  },

  print: ({ attachment: { ifname }, addresses }) => [
    `# ${ifname} with ${addresses.join(" and ")}: made by another plugin`,
  ],
};

/** Kinds of interface that the reference's plugins make; others are lent, and go home with the namespace's end. */
const madeKinds: readonly (string | undefined)[] = [vethKind, "macvlan", "ipvlan", "vlan", "dummy", "tun"];

/** By the host's end as the result told it, or in the container. */
function removeInterface({ attachment: { ifname }, netns = "", hostLink }: AdoptedKey, kernel: Kernel): void {
  const told = hostLink && getLink(kernel.route("host"), hostLink.name);
  if (hostLink && told?.info?.kind === vethKind && told.address === hostLink.mac) removeLink(hostLink.name, kernel);
  const pod = openIfPresent(netns);
  if (pod === undefined) return;
  const isOwn = isSameNetns(pod, kernel.host);
  const inside = openSocketIn(pod, protocol.route);
  closeNetns(pod);
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
