/** Everything about one namespace: what it is, what is in it, and what ns-net attached to it. */
import { kindsInOrder, namespacesOf, processesIn } from "../../explain/namespaceKinds.ts";
import { endsOf, theirPorts } from "../../explain/networks/theirs.ts";
import { formatAddress, formatCidr } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import { adoptedStep, isLeaseOnly } from "../../ipam/hostLocal/adopted.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { addressFamily } from "../../netlink/route/address.ts";
import { vethKind } from "../../netlink/route/kind/veth.ts";
import { linkFlag, listLinks, portOf } from "../../netlink/route/link.ts";
import { listRoutes, mainTable } from "../../netlink/route/route.ts";
import { withCookie } from "../../netlink/sameNetns.ts";
import { committedSteps, hasVeth } from "../../plugin/removal/entrySteps.ts";
import { printStep, stepsOf } from "../../step/index.ts";
import { shellWord } from "../../step/shellWords.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import type { Netns } from "../../sys/netns.ts";
import { foreignPortText, portsOf } from "../attach/publish.ts";
import { bridgeOf } from "../attachments.ts";
import { stateShown } from "../networks/untaken.ts";

/** `path` is what a person would type; `pid` is the process that was named, if one was. */
export interface Inspected {
  readonly netns: Netns;
  readonly path: string;
  readonly pid?: number | undefined;
  readonly entries: readonly Entry[];
  readonly store: Store | undefined;
}

export type Report = ReturnType<typeof reportOf>;

/** Closes `netns`. */
export function reportOf({ netns, path, pid, entries, store }: Inspected) {
  using kernel = openKernel({ container: netns });
  const inode = Number(netns.inode);
  const processes = processesIn("net", inode);
  const links = new Map(listLinks(kernel.route("container")).map((link) => [link.index, link]));
  const shown = pid ?? processes[0]?.pid;
  return {
    namespace: {
      path,
      inode,
      cookie: withCookie(netns).cookie.toString(),
      pid: shown,
      kinds: kindsOf(shown, inode),
      processes,
      enter: shown === undefined ? `nsenter --net=${shellWord(path)}` : `nsenter --target ${shown} --all`,
      links: [...links.values()].map(({ name = "", mtu, address, flags }) => ({
        name,
        mtu,
        mac: address,
        state: flags & linkFlag.up ? "up" : "down",
        addresses: kernel.addresses("container", name).map(formatCidr),
      })),
      routes: Object.values(addressFamily).flatMap((family) =>
        listRoutes(kernel.route("container"), family, { table: mainTable }).map((route) => ({
          destination: route.destination
            ? formatCidr({ ...addressFromBytes(route.destination), prefixLength: route.dstLength })
            : "default",
          gateway: route.gateway && formatAddress(addressFromBytes(route.gateway)),
          link: links.get(route.outIndex ?? 0)?.name,
        })),
      ),
    },
    attachments: entries.map((entry) => attachmentOf(entry, store)),
  };
}

/** All kinds of namespace of a process, and whether the host's first process shares them. Without a process: the one kind. */
function kindsOf(pid: number | undefined, inode: number) {
  const host = namespacesOf(1).net === undefined ? namespacesOf("self") : namespacesOf(1);
  const theirs = pid === undefined ? undefined : namespacesOf(pid);
  return kindsInOrder.flatMap((kind) => {
    const found = kind === "net" ? inode : theirs?.[kind];
    return found === undefined ? [] : [{ kind, inode: found, isHosts: found === host[kind] }];
  });
}

function attachmentOf(entry: Entry, store: Store | undefined) {
  const { attachment, addresses, mac, aliases, hostLink, ipamType, createdMs } = entry;
  using kernel = openKernel();
  const theirs = adoptedStep(entry) || isLeaseOnly(entry) ? endsOf(entry) : undefined;
  const link = theirs ? theirs.outer : kernel.link("host", hostLink);
  const port = link && portOf(link);
  const isVeth = theirs ? theirs.inner?.info?.kind === vethKind : hasVeth(entry) || entry.bridge !== "";
  return {
    ...attachment,
    state: stateShown(entry, store),
    addresses,
    ports: [
      ...portsOf(committedSteps(entry, store).flat()),
      ...(theirs ? theirPorts(kernel)(entry).map(foreignPortText) : []),
    ],
    mac: theirs ? theirs.inner?.address : mac,
    aliases,
    ipam: ipamType,
    since: new Date(createdMs).toISOString(),
    hostLink: {
      name: theirs ? (link?.name ?? `the other end of ${attachment.ifname}`) : hostLink,
      index: link?.index,
      isVeth,
      bridge: theirs ? link?.master && kernel.linkByIndex(link.master)?.name : bridgeOf(entry),
      forwards: port?.state === 3,
      hairpin: port?.hairpin === 1,
      isolated: port?.isolated === 1,
    },
    commands: stepsOf(entry).flatMap((step) => printStep(step, { netns: entry.netnsPath })),
  };
}
