/** The bridge: made when it is not there, brought up when it is down. Shared by attachments, so nothing undoes it but GC. */
import { errno, isKernelError } from "../../netlink/errors.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { changeLink, createLink, linkFlag } from "../../netlink/route/link.ts";
import { differences, type Kind, missing } from "./step.ts";

export interface BridgeStep {
  readonly kind: "bridge";
  readonly name: string;
  /** Given at creation, so that the bridge does not take the lowest of its ports' (and change it as they come and go). */
  readonly mac: string;
  readonly mtu: number;
  readonly group: number;
  readonly promiscuous: boolean;
}

function up(promiscuous: boolean): number {
  return linkFlag.up | (promiscuous ? linkFlag.promiscuous : 0);
}

export const bridge: Kind<BridgeStep> = {
  apply({ name, mac, mtu, group, promiscuous }, kernel) {
    const wanted = up(promiscuous);
    const bringUp = (index: number) =>
      kernel.request("host", changeLink(`bring up bridge ${name}`, { index, set: wanted }));
    const there = kernel.link("host", name);
    if (there) {
      if ((there.flags & wanted) !== wanted) bringUp(there.index);
      return false;
    }
    kernel.forget("host", name);
    try {
      kernel.request("host", createLink({ name, address: mac, mtu, group, set: wanted, info: { kind: bridgeKind } }));
    } catch (error) {
      if (!isKernelError(error, errno.EEXIST)) throw error;
      bringUp(kernel.indexOf("host", name)); // another ADD was first
    }
    return false;
  },

  check({ name, promiscuous }, kernel) {
    const found = kernel.link("host", name);
    if (!found) return missing(`bridge ${name}`);
    return differences(
      `bridge ${name}`,
      // Somebody else may want it promiscuous: a capture does that, too.
      { kind: bridgeKind, state: "up", promiscuous: promiscuous || undefined },
      {
        kind: found.info?.kind,
        state: found.flags & linkFlag.up ? "up" : "down",
        // Promiscuity counts reasons; the flag is set when a person (or we) asked for it.
        promiscuous: (found.flags & linkFlag.promiscuous) !== 0,
      },
    );
  },

  print({ name, mac, mtu, group, promiscuous }) {
    return [
      `ip link add ${name} address ${mac} mtu ${mtu} group ${group} type bridge`,
      `ip link set ${name} up${promiscuous ? " promisc on" : ""}`,
    ];
  },
};
