/** A store made anew: attachments of which nothing is on the host, looked for in every namespace that can be seen from here. */
import { formatCidr } from "../conf/address.ts";
import { type Store, thisProcess } from "../ipam/store.ts";
import { closeNetns, isSameNetns, type Netns, openOwnNetns } from "../netlink/netns.ts";
import { listAddresses } from "../netlink/route/address.ts";
import { type Link, listLinks } from "../netlink/route/link.ts";
import { netnsIdOf } from "../netlink/route/netnsId.ts";
import { Kernel } from "./kernel.ts";
import { attachmentInside, hostLinkName } from "./names.ts";
import { begin, globalOnes } from "./rebuild.ts";
import { forEachNamespace } from "./seenNamespaces.ts";
import type { Step } from "./step/index.ts";
import { readSettings } from "./step/settings.ts";
import { belongs, type Making } from "./whoseStore.ts";

/** How many it entered. Those on top of this host's interfaces only: others' may be another host's, or nobody's. */
export function rebuildInside(draft: Store, making: Making): number {
  const own = openOwnNetns();
  let count = 0;
  try {
    forEachNamespace((netns) => {
      if (!isSameNetns(netns, own)) count += enterAll(draft, netns, own, making);
    });
    return count;
  } finally {
    closeNetns(own);
  }
}

function enterAll(draft: Store, netns: Netns, own: Netns, making: Making): number {
  const kernel = new Kernel(netns);
  try {
    const socket = kernel.route("pod");
    const found = listLinks(socket).filter(({ alias }) => alias !== undefined);
    if (found.length === 0) return 0;
    const id = netnsIdOf(socket, own.fd);
    if (id === undefined) return 0;
    return found.filter((link) => link.peerNetnsId === id && enter(draft, link, netns, kernel, making)).length;
  } finally {
    kernel.close();
  }
}

function enter(draft: Store, link: Link, { path, device, inode }: Netns, kernel: Kernel, making: Making): boolean {
  const { name = "", alias = "", group = 0, address: mac = "", mtu = 0 } = link;
  const attachment = attachmentInside(alias, name, group);
  const settings = readSettings(link);
  if (!attachment || !settings || draft.find(attachment)) return false;
  if (!belongs(alias, attachment.network, making)) return false;
  const addresses = globalOnes(listAddresses(kernel.route("pod"), link.index));
  const hostLink = hostLinkName(attachment);
  const place = { netnsPath: path, netnsDevice: device, netnsInode: inode };
  const entry = { attachment, ...place, ...thisProcess(), bridge: "", hostLink, ipamType: "" };
  begin(
    draft,
    entry,
    addresses,
    addresses.map((cidr) => ({ address: formatCidr(cidr) })),
  );
  const inside = { kind: "inside", ifname: name, temporary: hostLink, settings, mac, mtu, group, netns: path } as const;
  const steps: Step[] = [
    inside,
    ...addresses.map((cidr): Step => {
      const of = { kind: "address", where: "pod", link: name, address: formatCidr(cidr) } as const;
      const alone = cidr.noPrefixRoute && ({ noPrefixRoute: true } as const);
      return { ...of, detectDuplicates: false, netns: path, replaces: [], ...alone };
    }),
    { kind: "up", where: "pod", link: name, netns: path },
  ];
  draft.attached(attachment, { mac, steps });
  return true;
}
