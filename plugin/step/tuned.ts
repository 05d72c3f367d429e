/** Properties of the container's interface that a plugin after the one that made it changes, and puts back. */
import type { Tunables } from "../../conf/network.ts";
import { changeLink, linkFlag } from "../../netlink/route/link.ts";
import type { Kernel } from "../kernel.ts";
import { differences, type Kind } from "./step.ts";
import { ipWord } from "./words.ts";

export interface TunedStep {
  readonly kind: "tuned";
  readonly link: string;
  readonly netns: string;
  readonly to: Tunables;
  readonly was: Tunables;
}

/** What a link has of these, or undefined when there is no such link in the container. */
export function tunablesOf(kernel: Kernel, name: string): Required<Tunables> | undefined {
  const link = kernel.link("pod", name);
  if (!link) return undefined;
  const { address: mac = "", mtu = 0, flags, transmitQueueLength: txQLen = 0 } = link;
  const has = (flag: number) => (flags & flag) !== 0;
  return { mac, mtu, promisc: has(linkFlag.promiscuous), allmulti: has(linkFlag.allMulticast), txQLen };
}

function change(kernel: Kernel, link: string, { mac, mtu, promisc, allmulti, txQLen }: Tunables): void {
  const bits = (wanted: boolean) =>
    (promisc === wanted ? linkFlag.promiscuous : 0) | (allmulti === wanted ? linkFlag.allMulticast : 0);
  const values = { address: mac, mtu, transmitQueueLength: txQLen };
  kernel.request("pod", changeLink(`tune ${link}`, { name: link, ...values, set: bits(true), clear: bits(false) }));
  kernel.forget("pod", link);
}

export const tuned: Kind<TunedStep> = {
  apply({ link, to }, kernel) {
    change(kernel, link, to);
    return true;
  },

  undo({ link, was }, kernel) {
    if (kernel.netns && kernel.link("pod", link)) change(kernel, link, was);
  },

  check({ link, to }, kernel) {
    return differences(`link ${link}`, { ...to }, { ...tunablesOf(kernel, link) });
  },

  print({ link, netns, to: { mac, mtu, promisc, allmulti, txQLen } }) {
    const onOff = (name: string, value: boolean | undefined) =>
      value === undefined ? [] : [`${name} ${value ? "on" : "off"}`];
    const words = [
      ...(mac === undefined ? [] : [`address ${mac}`]),
      ...(mtu === undefined ? [] : [`mtu ${mtu}`]),
      ...onOff("promisc", promisc),
      ...onOff("allmulticast", allmulti),
      ...(txQLen === undefined ? [] : [`txqueuelen ${txQLen}`]),
    ];
    return [`${ipWord("pod", netns)} link set ${link} ${words.join(" ")}`];
  },
};
