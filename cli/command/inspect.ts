/** `ns-net inspect <netns>` */

import { formatAddress, formatCidr } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { addressFamily } from "../../netlink/route/address.ts";
import { linkFlag, listLinks, portOf } from "../../netlink/route/link.ts";
import { listRoutes, mainTable } from "../../netlink/route/route.ts";
import { withCookie } from "../../netlink/sameNetns.ts";
import { hasVeth } from "../../plugin/removal/entrySteps.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { printStep, stepsOf } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import { bridgeOf, dataDirOf, openNetnsOf, pidIn, pidsByInode } from "../attachments.ts";
import { command } from "../command.ts";
import { someEntriesOf } from "../suggest.ts";
import { targetOf } from "../target.ts";
import { filterOptions } from "./options.ts";

export default command({
  about:
    "Show all about a namespace: what keeps it, its links, addresses and routes now,\nthe host's end of each attachment, and the commands that would recreate it.",
  usage: "<netns> [options]",
  operands: [1, 1],
  options: { ...filterOptions, json: { type: "boolean", about: "print JSON" } },

  run({ options, operands }) {
    const found = someEntriesOf(targetOf(operands[0]!), {
      network: options.network,
      ifname: options.ifname,
      dataDir: dataDirOf(options),
    });
    const report = { namespace: namespaceOf(found[0]!), attachments: found.map(attachmentOf) };
    writeOut(options.json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
    return 0;
  },
});

type Report = {
  readonly namespace: ReturnType<typeof namespaceOf>;
  readonly attachments: ReturnType<typeof attachmentOf>[];
};

/** The namespace as it is now, read from inside. */
function namespaceOf(entry: Entry) {
  const { netnsPath, netnsInode } = entry;
  using kernel = openKernel({ container: openNetnsOf(entry) });
  const names = new Map(listLinks(kernel.route("container")).map((link) => [link.index, link]));
  return {
    path: netnsPath,
    inode: Number(netnsInode),
    cookie: withCookie(kernel.netns!).cookie.toString(),
    pid: pidIn(entry, pidsByInode()),
    links: [...names.values()].map(({ name = "", mtu, address, flags }) => ({
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
        link: names.get(route.outIndex ?? 0)?.name,
      })),
    ),
  };
}

function attachmentOf(entry: Entry) {
  const { attachment, state, addresses, mac, aliases, hostLink, ipamType, createdMs } = entry;
  using kernel = openKernel();
  const link = kernel.link("host", hostLink);
  const port = link && portOf(link);
  return {
    ...attachment,
    state,
    addresses,
    mac,
    aliases,
    ipam: ipamType,
    since: new Date(createdMs).toISOString(),
    hostLink: {
      name: hostLink,
      index: link?.index,
      isVeth: hasVeth(entry) || entry.bridge !== "",
      bridge: bridgeOf(entry),
      forwards: port?.state === 3,
      hairpin: port?.hairpin === 1,
      isolated: port?.isolated === 1,
    },
    commands: stepsOf(entry).flatMap((step) => printStep(step, { netns: entry.netnsPath })),
  };
}

function textOf({ namespace, attachments }: Report): string {
  const { path, inode, cookie, pid, links, routes } = namespace;
  const lines = [
    `namespace   ${path}  net:[${inode}]  cookie ${cookie}${pid === undefined ? "  kept by its name alone" : `  pid ${pid} (/proc/${pid}/ns/net)`}`,
    ...links.map(
      ({ name, state, mtu, mac, addresses }) =>
        `link        ${name} ${state}, mtu ${mtu}, ${mac}${addresses.length > 0 ? `, ${addresses.join(", ")}` : ""}`,
    ),
    ...routes.map(
      ({ destination, gateway, link }) => `route       ${destination}${gateway ? ` via ${gateway}` : ""} dev ${link}`,
    ),
  ];
  for (const one of attachments) {
    const { name, index, isVeth, bridge, forwards, hairpin, isolated } = one.hostLink;
    lines.push(
      "",
      `attachment  ${one.ifname} of ${one.container} on ${one.network}, ${one.state} since ${one.since}`,
      !isVeth && index === undefined
        ? "on the host nothing: the interface is in the container alone"
        : `host veth   ${index === undefined ? `${name} is missing` : `${name} (index ${index}), ${bridge === undefined ? "a port of no bridge" : `in bridge ${bridge}, ${forwards ? "forwarding" : "not forwarding"}${hairpin ? ", hairpin" : ""}${isolated ? ", isolated" : ""}`}`}`,
      "made by",
      ...one.commands.map((line) => `  ${line}`),
    );
  }
  return lines.map((line) => `${line}\n`).join("");
}
