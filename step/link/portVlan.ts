/** The VLANs of a bridge port. They end with the port. */

import type { Kernel } from "../../kernel/kernel.ts";
import { addPortVlans, deletePortVlans, listPortVlans, type PortVlan } from "../../netlink/route/bridgeVlan.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";

export interface PortVlanStep {
  readonly kind: "portVlan";
  readonly link: string;
  readonly vlans: readonly PortVlan[];
  /** The bridge's default VLAN, to be removed from this port. */
  readonly without?: number | undefined;
}

export function setPortVlans({ link, vlans, without }: Omit<PortVlanStep, "kind">, kernel: Kernel): void {
  const index = kernel.indexOf("host", link);
  kernel.request("host", addPortVlans(`put port ${link} into VLANs ${textOf(vlans)}`, index, vlans));
  if (without === undefined) return;
  const message = deletePortVlans(`take port ${link} out of VLAN ${without}`, index, [{ first: without }]);
  tolerating(() => kernel.request("host", message), errno.ENOENT);
}

export const portVlan: Kind<PortVlanStep> = {
  apply(step, kernel) {
    setPortVlans(step, kernel);
    return false;
  },

  check({ link, vlans, without }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index === undefined) return missing(`bridge port ${link}`);
    const found = listPortVlans(kernel.route("host")).get(index) ?? [];
    const isIn = (wanted: PortVlan) =>
      found.some(
        ({ first, last = first, isNative }) =>
          first <= wanted.first && (wanted.last ?? wanted.first) <= last && (!wanted.isNative || isNative),
      );
    const isRight = vlans.every(isIn) && (without === undefined || !isIn({ first: without }));
    return isRight ? [] : [{ what: `VLANs of bridge port ${link}`, expected: textOf(vlans), found: textOf(found) }];
  },

  reason: () => "The VLANs that the container's port belongs to.",

  print: ({ link, vlans, without }) => [
    ...vlans.map(({ first, last = first, isNative }) => {
      const range = first === last ? String(first) : `${first}-${last}`;
      return `bridge vlan add vid ${range} dev ${shellWord(link)}${isNative ? " pvid untagged" : ""}`;
    }),
    ...(without === undefined ? [] : [`bridge vlan del vid ${without} dev ${shellWord(link)}`]),
  ],
};

function textOf(vlans: readonly PortVlan[]): string {
  const words = vlans.map(({ first, last = first, isNative }) => {
    return `${first === last ? first : `${first}-${last}`}${isNative ? " (native)" : ""}`;
  });
  return words.join(", ") || "none";
}
