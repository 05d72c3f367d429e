/** The bridge: created if it does not exist, brought up if it is down. Attachments share it, so only GC removes it. */

import type { Kernel } from "../../kernel/kernel.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { changeLink, createLink, linkFlag } from "../../netlink/route/link.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { differences, isStep, type Kind, missing } from "../kind.ts";
import { linkWord } from "../shellWords.ts";
import defer * as filtering from "./vlanFiltering.ts";

export interface BridgeStep {
  readonly kind: "bridge";
  readonly name: string;
  /** Set at creation. Otherwise the bridge takes the lowest address of its ports, which changes as they come and go. */
  readonly mac: string;
  readonly mtu: number;
  readonly group: number;
  readonly promiscuous: boolean;
  /** Sets the address also on an existing bridge of another program, because that bridge is the gateway. */
  readonly keepsMac?: true | undefined;
  /** The key and its value that need VLAN filtering, for messages. Absent: filtering stays as it is. */
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
      // Another program may have made it promiscuous, such as a packet capture.
      {
        kind: bridgeKind,
        state: "up",
        promiscuous: promiscuous || undefined,
        "VLAN filtering": filtersFor && true,
      },
      {
        kind: found.info?.kind,
        state: found.flags & linkFlag.up ? "up" : "down",
        // The kernel counts reasons for promiscuity; this flag is the one that ns-net and `ip link` set.
        promiscuous: (found.flags & linkFlag.promiscuous) !== 0,
        "VLAN filtering": filtersFor && filtering.isFiltering(found),
      },
    );
  },

  reason: ({ name }) => `The bridge ${name} connects the containers of the network, as a switch does.`,

  print(step, { kernel, earlier = [] }) {
    const { mac, mtu, group, promiscuous, filtersFor, keepsMac } = step;
    const name = linkWord(step.name);
    const keep = keepsMac ? [`ip link set ${name} address ${mac}`] : [];
    if (kernel && bridge.check(step, kernel).length === 0) return keep;
    const filters = filtersFor ? " vlan_filtering 1" : "";
    const isMadeBefore = earlier.some((one) => isStep<BridgeStep>("bridge", one) && one.name === step.name);
    const isThere = isMadeBefore || kernel?.link("host", step.name) !== undefined;
    return [
      ...(isThere ? [] : [`ip link add ${name} address ${mac} mtu ${mtu} group ${group} type bridge${filters}`]),
      ...keep,
      ...(isThere && filters ? [`ip link set ${name} type bridge${filters}`] : []),
      `ip link set ${name} up${promiscuous ? " promisc on" : ""}`,
    ];
  },
};
