/**
 * The gateway of one VLAN of a bridge: a veth with one end as a port in that VLAN, and the gateway's address on the other,
 * which has the reference's name, `br0.100`. The VLAN's attachments share it, so only GC removes it.
 */

import { veth, vethKind } from "../../netlink/route/kind/veth.ts";
import { changeLink, createLink, linkFlag } from "../../netlink/route/link.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { differences, type Kind, missing } from "../kind.ts";
import { linkWord, shellWord } from "../shellWords.ts";
import { setPortVlans } from "./portVlan.ts";

export interface VlanGatewayStep {
  readonly kind: "vlanGateway";
  readonly link: string;
  /** The end that is a port. */
  readonly port: string;
  readonly bridge: string;
  readonly vlan: number;
  readonly without?: number | undefined;
  readonly mac: string;
  readonly mtu: number;
  readonly group: number;
}

export const vlanGateway: Kind<VlanGatewayStep> = {
  apply({ link, port, bridge, vlan, without, mac: address, mtu, group }, kernel) {
    if (!kernel.link("host", link)) {
      const peer = { name: link, address, mtu };
      const master = kernel.indexOf("host", bridge);
      const info = { kind: vethKind, data: veth.put({ peer }) };
      const creation = createLink({ name: port, mtu, group, master, info });
      tolerating(() => kernel.request("host", creation), errno.EEXIST); // another ADD was first
      for (const name of [link, port]) kernel.forget("host", name);
    }
    if (!kernel.link("host", port)) return false; // another program created the link
    setPortVlans({ link: port, vlans: [{ first: vlan, isNative: true }], without }, kernel);
    for (const name of [port, link]) kernel.request("host", changeLink(`bring up ${name}`, { name, set: linkFlag.up }));
    return false;
  },

  check({ link }, kernel) {
    const found = kernel.link("host", link);
    if (!found) return missing(`link ${link}`);
    return differences(`link ${link}`, { state: "up" }, { state: found.flags & linkFlag.up ? "up" : "down" });
  },

  reason: ({ vlan }) => `The gateway of VLAN ${vlan} is a port of the bridge in this VLAN alone.`,

  print(step, { kernel }) {
    const { link, port, bridge, vlan, without, mac, mtu, group } = step;
    if (kernel && vlanGateway.check(step, kernel).length === 0) return [];
    const up = [`ip link set ${port} up`, `ip link set ${linkWord(link)} up`];
    if (kernel?.link("host", link)) return up;
    return [
      `ip link add ${port} mtu ${mtu} group ${group} type veth peer name ${shellWord(link)} address ${mac} mtu ${mtu}`,
      `ip link set ${port} master ${shellWord(bridge)}`,
      `bridge vlan add vid ${vlan} dev ${port} pvid untagged`,
      ...(without === undefined ? [] : [`bridge vlan del vid ${without} dev ${port}`]),
      ...up,
    ];
  },
};
