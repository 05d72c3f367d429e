/** Reads the steps of an attachment whose entry was lost back from the kernel, as if all that exists had been planned. */

import { formatCidr, networkOf } from "../../ip/address.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { bridgeGroup, masqueradeChain } from "../../kernel/ownership.ts";
import { getChain } from "../../netlink/nft/chain.ts";
import { linkFlag, portOf } from "../../netlink/route/link.ts";
import { forwardingSteps } from "../../plan/container.ts";
import type { Step } from "../../step/index.ts";
import defer * as ingressPolicy from "../../step/nft/ingressPolicy.ts";
import defer * as macSpoofCheck from "../../step/nft/macSpoofCheck.ts";
import { table } from "../../step/nft/table.ts";
import type { PresentAttachment } from "./presentAttachment.ts";

/** Leaves out the routes in the container, which may have changed them. */
export function stepsFromKernel(present: PresentAttachment, kernel: Kernel): Step[] {
  const { attachment, host, inner, addresses, netns } = present;
  if (netns === undefined || inner === undefined || host.name === undefined) return [];
  const port = portOf(host);
  const link = host.name;
  const isUp = (inner.flags & linkFlag.up) !== 0;
  return [
    ...bridgeSteps(present),
    ...masqueradeSteps(present, kernel),
    ...policySteps(present, kernel),
    ...spoofCheckSteps(present, kernel),
    {
      kind: "veth",
      host: link,
      hostMac: host.address ?? "",
      ifname: attachment.ifname,
      mac: inner.address ?? "",
      mtu: host.mtu ?? 0,
      innerMtu: inner.mtu ?? 0,
      bridge: present.bridge?.name,
      group: host.group ?? 0,
    },
    { kind: "noLinkLocal", where: "host", link },
    ...(present.bridge
      ? [{ kind: "bridgePort", link, hairpin: port?.hairpin === 1, isolated: port?.isolated === 1 } as const]
      : []),
    { kind: "up", where: "host", link, alias: host.alias },
    ...addresses.map(
      (cidr): Step => ({
        kind: "address",
        where: "container",
        link: attachment.ifname,
        address: formatCidr(cidr),
        detectDuplicates: false,
        replaces: [],
        noPrefixRoute: cidr.noPrefixRoute ? true : undefined,
      }),
    ),
    ...(isUp ? [{ kind: "up", where: "container", link: attachment.ifname } as const] : []),
    ...(isUp && present.bridge ? [{ kind: "awaitForwarding", link } as const] : []),
  ];
}

function bridgeSteps({ attachment, bridge, bridgeAddresses, addresses }: PresentAttachment): Step[] {
  if (bridge?.name === undefined) return [];
  const { name, address: mac = "", mtu = 0, flags } = bridge;
  const gateways = bridgeAddresses.filter((one) =>
    addresses.some((cidr) => formatCidr(networkOf(cidr)) === formatCidr(networkOf(one))),
  );
  return [
    ...forwardingSteps(new Set(gateways.map(({ family }) => family))),
    {
      kind: "bridge",
      name,
      mac,
      mtu,
      group: bridgeGroup(attachment.network),
      promiscuous: (flags & linkFlag.promiscuous) !== 0,
    },
    ...gateways.map(
      (gateway): Step => ({
        kind: "address",
        where: "host",
        link: name,
        address: formatCidr(gateway),
        detectDuplicates: false,
        replaces: [],
      }),
    ),
  ];
}

/** The chain's name is a hash of its subnets: if it exists for these, masquerading was configured. */
function masqueradeSteps({ attachment: { network }, addresses }: PresentAttachment, kernel: Kernel): Step[] {
  if (addresses.length === 0) return [];
  const subnets = [...new Set(addresses.map((cidr) => formatCidr(networkOf(cidr))))];
  const chain = masqueradeChain(network, addresses.map(networkOf));
  if (!getChain(kernel.netfilter, table, chain)) return [];
  return [{ kind: "masquerade", network, subnets }];
}

function policySteps({ attachment: { network }, bridge }: PresentAttachment, kernel: Kernel): Step[] {
  if (bridge?.name === undefined) return [];
  const policy = ingressPolicy.policyOf(bridge.name, network, kernel);
  return policy === undefined ? [] : [{ kind: "ingressPolicy", network, bridge: bridge.name, policy }];
}

function spoofCheckSteps({ attachment, inner }: PresentAttachment, kernel: Kernel): Step[] {
  const found = inner?.address && macSpoofCheck.presentSpoofCheck(attachment, inner.address, kernel);
  return found ? [found] : [];
}
