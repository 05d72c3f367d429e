/**
 * The veth pair, created by one message: names, hardware addresses and MTUs of both ends, the inner end in the container's
 * namespace, the host's end with the network's group and as a port of the bridge. Deleting one end deletes the other.
 */

import { deleteHostLink } from "../../kernel/hostLink.ts";
import { veth as vethData, vethKind } from "../../netlink/route/kind/veth.ts";
import { changeLink, createLink } from "../../netlink/route/link.ts";
import defer * as asInResult from "../asInResult.ts";
import { differences, type Kind, missing, unknownMtu } from "../kind.ts";
import { linkWord, netnsWord, shellWord } from "../shellWords.ts";
import type { MemberStep } from "./member.ts";

export interface VethStep {
  readonly kind: "veth";
  readonly host: string;
  readonly hostMac: string;
  readonly ifname: string;
  readonly mac: string;
  readonly mtu: number;
  /** For CHECK: the MTU of the container's end that a later plugin of the chain set. */
  readonly innerMtu?: number;
  /** Absent: the host routes to the container. */
  readonly bridge?: string | undefined;
  readonly group: number;
}

export type VethKey = Pick<VethStep, "host">;

export const veth: Kind<VethStep, VethKey> = {
  apply({ host, hostMac, ifname, mac, mtu, bridge, group }, kernel) {
    const netnsFd = kernel.netns!.fd;
    kernel.request(
      "host",
      createLink({
        name: host,
        address: hostMac,
        mtu,
        group,
        master: bridge === undefined ? undefined : kernel.indexOf("host", bridge),
        info: { kind: vethKind, data: vethData.put({ peer: { name: ifname, address: mac, mtu, netnsFd } }) },
      }),
    );
    kernel.forget("host", host);
    kernel.forget("container", ifname);
    return true;
  },

  undo({ host }, kernel) {
    deleteHostLink(host, kernel);
  },

  isPresent({ host, ifname }, kernel) {
    const [outer, inner] = [kernel.link("host", host), kernel.link("container", ifname)];
    return inner?.info?.kind === vethKind && outer?.peerIndex === inner.index;
  },

  hostPart: ({ host: link, bridge: master }) =>
    master === undefined ? undefined : ({ kind: "member", where: "host", link, master } satisfies MemberStep),

  given: ({ host, hostMac, bridge }) => ({ hostEnd: { name: host, mac: hostMac, bridge } }),

  asInResult: (step, result) => asInResult.linkAsIn(step, result),

  /** Does not recreate a lost pair: its addresses and routes are lost, too. */
  repair({ host, ifname, mac, mtu, innerMtu = mtu, bridge, group }, kernel) {
    const inner = kernel.link("container", ifname);
    if (!kernel.link("host", host) || !inner) return;
    const master = bridge === undefined ? undefined : kernel.indexOf("host", bridge);
    const what = bridge === undefined ? `set up ${host} again` : `put ${host} into bridge ${bridge}`;
    kernel.request("host", changeLink(what, { name: host, mtu, group, master }));
    kernel.forget("host", host);
    if (inner.address === mac && inner.mtu === innerMtu) return;
    kernel.request("container", changeLink(`set up ${ifname} again`, { name: ifname, address: mac, mtu: innerMtu }));
    kernel.forget("container", ifname);
  },

  check({ host, ifname, mac, mtu, innerMtu = mtu, bridge, group }, kernel) {
    const outer = kernel.link("host", host);
    const inner = kernel.link("container", ifname);
    if (!outer) return missing(`link ${host} (the host's end of ${ifname})`);
    if (!inner) return missing(`link ${ifname} in the container`);
    return [
      ...differences(
        `link ${host}`,
        {
          kind: vethKind,
          master: bridge === undefined ? undefined : kernel.link("host", bridge)?.index,
          mtu,
          group,
          "other end": inner.index,
        },
        { ...outer, kind: outer.info?.kind, "other end": outer.peerIndex },
      ),
      ...differences(
        `link ${ifname} in the container`,
        { kind: vethKind, mac, mtu: innerMtu === unknownMtu ? undefined : innerMtu },
        { kind: inner.info?.kind, mac: inner.address, mtu: inner.mtu },
      ),
    ];
  },

  reason: () => "A virtual cable (veth pair): one end in the container, the other on the host.",

  print({ host, hostMac, ifname, mac, mtu, bridge, group }, { netns }) {
    return [
      `ip link add ${linkWord(host)} address ${hostMac} mtu ${mtu} group ${group} type veth peer name ${shellWord(ifname)} address ${mac} mtu ${mtu} netns ${netnsWord(netns)}`,
      ...(bridge === undefined ? [] : [`ip link set ${linkWord(host)} master ${shellWord(bridge)}`]),
    ];
  },
};
