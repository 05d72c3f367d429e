/**
 * A VXLAN device (RFC 7348): it carries frames to other hosts in UDP packets. It learns nothing; its entries say which host has
 * which hardware address (forwardingEntry.ts).
 */
import { formatAddress, parseAddress } from "../../ip/address.ts";
import { addressBytes, addressFromBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { vxlan as vxlanData, vxlanKind } from "../../netlink/route/kind/vxlan.ts";
import { createLink, deleteLink, linkFlag } from "../../netlink/route/link.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { differences, type Kind, missing } from "../kind.ts";
import { linkWord, shellWord } from "../shellWords.ts";

export interface VxlanStep {
  readonly kind: "vxlan";
  /** A link of the host. */
  readonly link: string;
  readonly mac: string;
  readonly mtu: number;
  /** VXLAN network identifier: the same on all hosts. */
  readonly id: number;
  /** UDP. */
  readonly port: number;
  /** The link that leads to the other hosts, and this host's address on it. */
  readonly lower: string;
  readonly local: string;
}

export const vxlan: Kind<VxlanStep, Pick<VxlanStep, "link">> = {
  apply(step, kernel) {
    const { link, mac, mtu } = step;
    if (kernel.link("host", link)) return false;
    kernel.request(
      "host",
      createLink({
        name: link,
        address: mac,
        mtu,
        set: linkFlag.up,
        info: { kind: vxlanKind, data: dataOf(step, kernel) },
      }),
    );
    kernel.forget("host", link);
    return true;
  },

  undo({ link }, kernel) {
    if (kernel.link("host", link)?.info?.kind !== vxlanKind) return;
    tolerating(() => kernel.request("host", deleteLink(link)), errno.ENODEV);
    kernel.forget("host", link);
  },

  check(step, kernel) {
    const { link, mac, mtu, id, port, local } = step;
    const found = kernel.link("host", link);
    if (!found) return missing(`link ${link}`);
    const { kind, data } = found.info ?? {};
    const has = kind === vxlanKind && data ? vxlanData.get(data) : {};
    return differences(
      `link ${link}`,
      { kind: vxlanKind, mac, mtu, id, port, local, state: "up" },
      {
        ...{ kind, mac: found.address, mtu: found.mtu, id: has.id, port: has.port },
        local: has.local && formatAddress(addressFromBytes(has.local)),
        state: found.flags & linkFlag.up ? "up" : "down",
      },
    );
  },

  reason: ({ link, port }) => `${link} carries packets to other hosts in UDP, port ${port} (VXLAN).`,

  print({ link, mac, mtu, id, port, lower, local }) {
    const kind = `type vxlan id ${id} dev ${shellWord(lower)} local ${local} dstport ${port} nolearning`;
    return [`ip link add ${linkWord(link)} up address ${mac} mtu ${mtu} ${kind}`];
  },
};

const dataOf = ({ id, port, lower, local }: VxlanStep, kernel: Kernel) =>
  vxlanData.put({
    ...{ id, port, learning: 0, lower: kernel.indexOf("host", lower) },
    local: addressBytes(parseAddress(local)!),
  });
