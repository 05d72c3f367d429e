/**
 * All that the reference's plugins made of an attachment, to be undone by ns-net that came in their place: the veth, the
 * rules, the device that shapes, and last host-local's reservation, which is the proof of it all.
 */

import { existsSync } from "node:fs";
import { formatAddress, parseAddress } from "../../conf/address.ts";
import type { AdoptedStep } from "../../ipam/hostLocal/adopted.ts";
import { release } from "../../ipam/hostLocal/reservations.ts";
import { errno } from "../../netlink/errors.ts";
import { closeNetns } from "../../netlink/netns.ts";
import { vethKind } from "../../netlink/route/kind/veth.ts";
import { deleteLink, getLink, listLinks } from "../../netlink/route/link.ts";
import { netnsIdOf } from "../../netlink/route/netnsId.ts";
import { ignoring } from "../condemn.ts";
import type { Kernel } from "../kernel.ts";
import { standing } from "../namespace.ts";
import { shapingLink } from "../reference/names.ts";
import { type Part, removeRules } from "../reference/rules.ts";
import { type Kind, missing } from "./step.ts";

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
    if (part === undefined) removeVeth(key, kernel);
    if (isAsked("bandwidth")) removeShaping(shapingLink(attachment), kernel);
    const parts = (["masquerade", "portmap", "firewall"] as const).filter(isAsked);
    if (parts.length > 0) removeRules({ attachment, addresses, parts }, kernel);
    if (isAsked("lease")) release(attachment.container, files);
  },

  check({ attachment: { ifname }, addresses, files }, kernel) {
    const lost = files.filter((file) => !existsSync(file)).flatMap((file) => missing(`reservation ${file}`));
    if (!kernel.link("pod", ifname)) return [...lost, ...missing(`link ${ifname} in the container`)];
    const have = kernel.addresses("pod", ifname).map(formatAddress);
    const gone = addresses.filter((text) => !have.includes(formatAddress(parseAddress(text)!)));
    return [...lost, ...gone.flatMap((address) => missing(`address ${address} of ${ifname} in the container`))];
  },

  print: ({ attachment: { ifname }, addresses }) => [
    `# ${ifname} with ${addresses.join(" and ")}: made by another plugin`,
  ],
};

/** By its end in the container, or by the host's end as the result told it. */
function removeVeth({ attachment: { ifname }, netns = "", hostLink }: AdoptedKey, kernel: Kernel): void {
  const socket = kernel.route("host");
  const told = hostLink && getLink(socket, hostLink.name);
  if (hostLink && told?.info?.kind === vethKind && told.address === hostLink.mac) removeLink(hostLink.name, kernel);
  const pod = standing(netns);
  if (pod === undefined) return;
  const id = netnsIdOf(socket, pod.fd);
  closeNetns(pod);
  if (id === undefined) return;
  for (const { name = "", info, peerNetnsId, peerIndex = 0 } of listLinks(socket)) {
    if (info?.kind !== vethKind || peerNetnsId !== id) continue;
    if (getLink(socket, peerIndex, id)?.name === ifname) removeLink(name, kernel);
  }
}

function removeShaping(name: string, kernel: Kernel): void {
  if (kernel.link("host", name)?.info?.kind === "ifb") removeLink(name, kernel);
}

function removeLink(name: string, kernel: Kernel): void {
  ignoring(errno.ENODEV, () => kernel.request("host", deleteLink(name)));
  kernel.forget("host", name);
}
