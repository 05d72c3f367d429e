/** A report for people: first what they look for (address, port, host end), then the namespace, last how to enter it. */
import type { Report } from "./report.ts";

type Attachment = Report["attachments"][number];
type Link = Report["namespace"]["links"][number];

export function textOf({ namespace, attachments }: Report, { commands = false } = {}): string {
  const { links, routes, path, inode, cookie, kinds, processes, enter } = namespace;
  const attached = attachments.map((one) => ({ one, link: links.find(({ name }) => name === one.ifname) }));
  const others = links.filter((link) => !attached.some((each) => each.link === link));
  return [
    ...attached.flatMap(({ one, link }) => [...attachmentRows(one, link), [""]]),
    ...(attachments.length === 0 ? [["attached", "nothing by ns-net"]] : []),
    ...labelled("links", others.map(linkText)),
    ...labelled(
      "routes",
      routes.map(({ destination, gateway, link }) => `${destination}${gateway ? ` via ${gateway}` : ""} dev ${link}`),
    ),
    [""],
    ["namespace", `${path}  net:[${inode}]  cookie ${cookie}`],
    ...labelled(
      "namespaces",
      kinds.map(({ kind, inode, isHosts }) => `${kind.padEnd(6)} ${inode}  ${isHosts ? "the host's" : "own"}`),
    ),
    ...labelled("processes", processesShown(processes)),
    ["enter", enter],
    ...(commands
      ? attachments.flatMap((one) => [
          [""],
          [`${one.ifname} was made by`],
          ...one.commands.map((line) => [`  ${line}`]),
        ])
      : []),
  ]
    .map(([label, words]) => (words === undefined ? `${label}\n` : `${label!.padEnd(labelWidth)}${words}\n`))
    .join("");
}

const labelWidth = 12;
const processesMax = 10;

/** Rows of which the first has the label. */
const labelled = (label: string, rows: readonly string[]) => rows.map((row, i) => [i === 0 ? label : "", row]);

function attachmentRows(one: Attachment, link: Link | undefined): string[][] {
  const addresses = one.addresses.map(({ address }) => address).join(", ") || "no address";
  return [
    [one.ifname, `${addresses} on ${one.network}`],
    ...labelled("ports", one.ports),
    ["link", link === undefined ? "is missing" : `${link.state}, mtu ${link.mtu}, ${link.mac}`],
    ["host end", hostEnd(one.hostLink)],
    ["container", one.container],
    ["since", `${one.since}, ${one.state}`],
  ];
}

function hostEnd({ name, index, isVeth, bridge, forwards, hairpin, isolated }: Attachment["hostLink"]): string {
  if (index === undefined) return isVeth ? `${name} is missing` : "none: the interface is in the container alone";
  if (bridge === undefined) return `${name} (index ${index}), a port of no bridge`;
  const words = [forwards ? "forwards" : "does not forward", hairpin && "hairpin", isolated && "isolated"];
  return `${name} (index ${index}), port of ${bridge}, ${words.filter(Boolean).join(", ")}`;
}

function linkText({ name, state, mtu, mac, addresses }: Link): string {
  return [`${name} ${state}, mtu ${mtu}, ${mac}`, ...addresses].join(", ");
}

function processesShown(all: Report["namespace"]["processes"]): string[] {
  if (all.length === 0) return ["none: its name alone keeps the namespace"];
  const rows = all.slice(0, processesMax).map(({ pid, command }) => `${pid} ${command}`);
  return all.length > processesMax ? [...rows, `and ${all.length - processesMax} more: --json has all`] : rows;
}
