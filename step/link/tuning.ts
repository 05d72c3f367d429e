/** Properties of the container's interface that a chained plugin changes, and its DEL restores. */

import type { Tunables } from "../../conf/config/config.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { isOurGroup } from "../../kernel/ownership.ts";
import { changeLink, type Link, linkFlag } from "../../netlink/route/link.ts";
import defer * as tuningBackup from "../../reference/tuningBackup.ts";
import { isSameNetns } from "../../sys/netns.ts";
import { type AnyStep, differences, isStep, type Kind } from "../kind.ts";
import { ipWord, linkWord } from "../shellWords.ts";

export interface TuningStep {
  readonly kind: "tuning";
  readonly link: string;
  readonly to: Tunables;
  readonly was: Tunables;
}

export interface TuningKey extends Pick<TuningStep, "link" | "was"> {
  /** The file in which the reference's tuning noted them, and the group of the network's lent devices. */
  readonly backup?: { readonly file: string; readonly lentGroup: number };
}

/** The current values of a link; undefined if the container has no such link. */
export function tunablesOf(kernel: Kernel, name: string): Required<Tunables> | undefined {
  const link = kernel.link("container", name);
  if (!link) return undefined;
  const { address: mac = "", mtu = 0, flags, transmitQueueLength: txQLen = 0 } = link;
  const has = (flag: number) => (flags & flag) !== 0;
  return { mac, mtu, promisc: has(linkFlag.promiscuous), allmulti: has(linkFlag.allMulticast), txQLen };
}

function change(kernel: Kernel, link: string, tunables: Tunables, group?: number): void {
  const { mac, mtu, promisc, allmulti, txQLen } = tunables;
  const bits = (wanted: boolean) =>
    (promisc === wanted ? linkFlag.promiscuous : 0) | (allmulti === wanted ? linkFlag.allMulticast : 0);
  const values = { address: mac, mtu, transmitQueueLength: txQLen, group };
  kernel.request(
    "container",
    changeLink(`tune ${link}`, { name: link, ...values, set: bits(true), clear: bits(false) }),
  );
  kernel.forget("container", link);
}

/**
 * True for a device that the reference's host-device lent, which has an alias. The DEL of host-device comes later and
 * looks for the hardware address in `prevResult`, which undo changes here: so undo gives the device our group.
 */
function isLent({ alias = "", group = 0 }: Link, kernel: Kernel): boolean {
  return alias !== "" && !isOurGroup(group) && !isSameNetns(kernel.netns!, kernel.host);
}

export const tuning: Kind<TuningStep, TuningKey> = {
  apply({ link, to }, kernel) {
    change(kernel, link, to);
    return true;
  },

  undo({ link, was, backup }, kernel) {
    const found = kernel.netns && kernel.link("container", link);
    const isMarked = backup && was.mac !== undefined && found && isLent(found, kernel);
    if (found) change(kernel, link, was, isMarked ? backup.lentGroup : undefined);
    if (backup) tuningBackup.removeBackup(backup.file);
  },

  check({ link, to }, kernel) {
    return differences(`link ${link}`, { ...to }, { ...tunablesOf(kernel, link) });
  },

  supersede({ link, to }, earlier) {
    if (isStep<TuningStep>("tuning", earlier))
      return earlier.link === link ? { ...earlier, to: without(earlier.to, to) } : earlier;
    const { mac, mtu: innerMtu } = to;
    return isMaking(link, earlier) ? { ...earlier, ...(mac && { mac }), ...(innerMtu && { innerMtu }) } : earlier;
  },

  reason: () => "The configuration asks for these properties of the interface.",

  print({ link, to: { mac, mtu, promisc, allmulti, txQLen } }, { netns }) {
    const onOff = (name: string, value: boolean | undefined) =>
      value === undefined ? [] : [`${name} ${value ? "on" : "off"}`];
    const words = [
      ...(mac === undefined ? [] : [`address ${mac}`]),
      ...(mtu === undefined ? [] : [`mtu ${mtu}`]),
      ...onOff("promisc", promisc),
      ...onOff("allmulticast", allmulti),
      ...(txQLen === undefined ? [] : [`txqueuelen ${txQLen}`]),
    ];
    return [`${ipWord("container", netns)} link set ${linkWord(link)} ${words.join(" ")}`];
  },
};

/** True for a step of any kind that creates the link. */
function isMaking(link: string, step: AnyStep): boolean {
  return "ifname" in step && step.ifname === link;
}

/** Without the properties that a later plugin changed, and checks. */
function without(to: Tunables, changed: Tunables): Tunables {
  return Object.fromEntries(Object.entries(to).filter(([name]) => !(name in changed)));
}
