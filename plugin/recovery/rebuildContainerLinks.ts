/** Rebuilds entries of interfaces that exist only in a container, from every namespace that can be seen from here. */

import type { Attachment } from "../../conf/attachment.ts";
import { formatCidr } from "../../ip/address.ts";
import { globalOnes } from "../../kernel/addresses.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { identityIn } from "../../kernel/namespace.ts";
import { forEachNamespace } from "../../kernel/namespaces.ts";
import { attachmentOfContainerAlias, disputed, isDisputed } from "../../kernel/ownership.ts";
import { listAddresses } from "../../netlink/route/address.ts";
import { type Link, listLinks } from "../../netlink/route/link.ts";
import { netnsIdOf } from "../../netlink/route/netnsId.ts";
import { type NetlinkSocket, openSocketIn, protocol } from "../../netlink/socket.ts";
import type { Step } from "../../step/index.ts";
import { readSettings } from "../../step/link/linkSettings.ts";
import type { NewEntry } from "../../store/entry.ts";
import { thisProcess } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { isSameNetns, type Netns } from "../../sys/netns.ts";
import { begin } from "./presentAttachment.ts";
import { belongs, type RebuildScope } from "./scope.ts";

/** Answers how many. Only interfaces on top of one of this host's: the others may be another host's. */
export function rebuildContainerLinks(draft: Store, host: Kernel, scope: RebuildScope): number {
  let count = 0;
  forEachNamespace((netns) => {
    if (!isSameNetns(netns, host.host)) count += enterAll(draft, netns, host, scope);
  });
  return count;
}

function enterAll(draft: Store, netns: Netns, host: Kernel, scope: RebuildScope): number {
  // In a user namespace the machine's namespaces are seen, but must not be entered: nothing of ours is in them.
  using socket = tolerating(() => openSocketIn(netns, protocol.route), errno.EPERM);
  if (socket === undefined) return 0;
  const found = listLinks(socket).filter(({ alias }) => alias !== undefined);
  if (found.length === 0) return 0;
  const id = netnsIdOf(socket, host.host.fd);
  if (id === undefined) return 0;
  return found.filter((link) => link.peerNetnsId === id && enter(draft, link, netns, socket, scope)).length;
}

function enter(draft: Store, link: Link, netns: Netns, socket: NetlinkSocket, scope: RebuildScope): boolean {
  const { name = "", alias = "", group = 0, address: mac = "", mtu = 0 } = link;
  const said = attachmentOfContainerAlias(alias, name, group);
  const settings = readSettings(link);
  if (!said || !settings || !belongs(alias, said.network, scope)) return false;
  const { path, device, inode } = netns;
  const place = { netnsPath: path, netnsDevice: device, netnsInode: inode, netnsCookie: socket.netnsCookie };
  const attachment = unclaimed(said, place, draft);
  if (!attachment) return false;
  const addresses = globalOnes(listAddresses(socket, link.index));
  const hostLink = hostLinkName(attachment);
  const entry = { attachment, ...place, ...thisProcess(), bridge: "", hostLink, ipamType: "" };
  begin(
    draft,
    entry,
    addresses,
    addresses.map((cidr) => ({ address: formatCidr(cidr) })),
  );
  const inside = {
    kind: "containerLink",
    ifname: name,
    temporary: hostLink,
    settings,
    mac,
    mtu,
    group,
  } as const;
  const steps: Step[] = [
    inside,
    ...addresses.map((cidr): Step => {
      const of = { kind: "address", where: "container", link: name, address: formatCidr(cidr) } as const;
      const alone = cidr.noPrefixRoute && ({ noPrefixRoute: true } as const);
      return { ...of, detectDuplicates: false, replaces: [], ...alone };
    }),
    { kind: "up", where: "container", link: name },
  ];
  // DEL of a disputed one releases the lease and undoes nothing else.
  draft.attached(attachment, { mac, steps: isDisputed(attachment) ? [] : steps });
  return true;
}

/**
 * A container can write the alias, so two namespaces may claim to be the same attachment's. The second keeps its addresses
 * under a name that no runtime gives, until it is gone. Undefined if the interface has its entry.
 */
function unclaimed(said: Attachment, place: Place, draft: Store): Attachment | undefined {
  const known = draft.find(said);
  if (known === undefined) return said;
  if (isSameNetns(identityIn(known), identityIn(place))) return undefined;
  const other = disputed(said, place.netnsInode);
  return draft.find(other) ? undefined : other;
}

type Place = Pick<NewEntry, "netnsPath" | "netnsDevice" | "netnsInode" | "netnsCookie">;
