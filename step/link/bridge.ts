/** The bridge: made when it is not there, brought up when it is down. Shared by attachments, so nothing undoes it but GC. */

import type { Kernel } from "../../kernel/kernel.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { changeLink, createLink, linkFlag } from "../../netlink/route/link.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { differences, type Kind, missing } from "../kind.ts";
import { linkWord } from "../shellWords.ts";
import defer * as filtering from "./vlanFiltering.ts";

export interface BridgeStep {
  readonly kind: "bridge";
  readonly name: string;
  /** Given at creation, so that the bridge does not take the lowest of its ports' (and change it as they come and go). */
  readonly mac: string;
  readonly mtu: number;
  readonly group: number;
  readonly promiscuous: boolean;
  /** Somebody else's bridge is told to keep this address, when it is the gateway's. */
  readonly keepsMac?: true | undefined;
  /** The key, and its value, for which the bridge looks at VLANs; absent: as it is. */
  readonly filtersFor?: string | undefined;
}

function up(promiscuous: boolean): number {
  return linkFlag.up | (promiscuous ? linkFlag.promiscuous : 0);
}

function keepMac({ name, mac }: BridgeStep, kernel: Kernel): void {
  kernel.request("host", changeLink(`set the address of bridge ${name}`, { name, address: mac }));
}

export const bridge: Kind<BridgeStep> = {
  apply(step, kernel) {
    const { name, mac, mtu, group, promiscuous } = step;
    if (step.filtersFor !== undefined) filtering.makeFiltering(step, kernel);
    const wanted = up(promiscuous);
    const bringUp = (index: number) =>
      kernel.request("host", changeLink(`bring up bridge ${name}`, { index, set: wanted }));
    const there = kernel.link("host", name);
    if (there) {
      if (step.keepsMac) keepMac(step, kernel);
      if ((there.flags & wanted) !== wanted) bringUp(there.index);
      return false;
    }
    kernel.forget("host", name);
    const creation = createLink({ name, address: mac, mtu, group, set: wanted, info: { kind: bridgeKind } });
    const isCreated = tolerating(() => kernel.request("host", creation), errno.EEXIST) !== undefined;
    if (!isCreated) bringUp(kernel.indexOf("host", name)); // another ADD was first
    return false;
  },

  check({ name, promiscuous, filtersFor }, kernel) {
    const found = kernel.link("host", name);
    if (!found) return missing(`bridge ${name}`);
    return differences(
      `bridge ${name}`,
      // Somebody else may want it promiscuous: a capture does that, too.
      {
        kind: bridgeKind,
        state: "up",
        promiscuous: promiscuous || undefined,
        "VLAN filtering": filtersFor && true,
      },
      {
        kind: found.info?.kind,
        state: found.flags & linkFlag.up ? "up" : "down",
        // Promiscuity counts reasons; the flag is set when a person (or we) asked for it.
        promiscuous: (found.flags & linkFlag.promiscuous) !== 0,
        "VLAN filtering": filtersFor && filtering.isFiltering(found),
      },
    );
  },

  print(step, { kernel }) {
    const { mac, mtu, group, promiscuous, filtersFor, keepsMac } = step;
    const name = linkWord(step.name);
    const keep = keepsMac ? [`ip link set ${name} address ${mac}`] : [];
    if (kernel && bridge.check(step, kernel).length === 0) return keep;
    const filters = filtersFor ? " vlan_filtering 1" : "";
    const isThere = kernel?.link("host", step.name) !== undefined;
    return [
      ...(isThere ? [] : [`ip link add ${name} address ${mac} mtu ${mtu} group ${group} type bridge${filters}`]),
      ...keep,
      ...(isThere && filters ? [`ip link set ${name} type bridge${filters}`] : []),
      `ip link set ${name} up${promiscuous ? " promisc on" : ""}`,
    ];
  },
};
