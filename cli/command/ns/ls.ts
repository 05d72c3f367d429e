/** `ns-net ns ls` */
import type { Container } from "../../../explain/containers/container.ts";
import { everyContainer } from "../../../explain/containers/find.ts";
import { everyNamespace, type Namespace } from "../../../explain/namespaces/everyNamespace.ts";
import { containersByInode } from "../../../explain/namespaces/inside.ts";
import type { LinkWithPeer } from "../../../explain/namespaces/peers.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { jsonOf } from "../../namespaces/json.ts";
import { addressesOf, labelOf, ownLabel, processesText } from "../../namespaces/label.ts";
import { reportUnread } from "../../namespaces/unread.ts";
import { type Column, table } from "../../output/table.ts";

export default command({
  about:
    "List every network namespace of the machine, whichever program made it: named, or kept by a process, an open file\nor a mount; with its links, and for each veth where its other end is.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    wide: { type: "boolean", about: "whole values, also on a narrow terminal", short: "w" },
    json: { type: "boolean", about: "print JSON" },
  },
  more: `
"host" is the namespace that the command runs in; an other end without a namespace is there. The other words of the
first column can be given to inspect, exec and shell.

  ns-net ns ls
  ns-net ns ls --json | jq '.[].links[] | select(.name == "eth0") | .peer.name'`,

  run({ options }) {
    const all = everyNamespace();
    if (options.json) writeOut(`${JSON.stringify(all.map(jsonOf), null, 2)}\n`);
    else {
      const rows = rowsOf(all, containersByInode(all, everyContainer(all.flatMap(({ processes }) => processes))));
      writeOut(table(columns, rows, { isWide: options.wide }));
    }
    reportUnread(all);
    return 0;
  },
});

interface Row {
  readonly namespace: Namespace;
  readonly label: string;
  /** True for the first row of a namespace, which says what it is. */
  readonly isFirst: boolean;
  readonly link: LinkWithPeer | undefined;
  readonly otherEnd: string;
}

/** A row for each link except lo. */
function rowsOf(all: readonly Namespace[], containers: ReadonlyMap<number, Container>): Row[] {
  const labels = new Map(all.map((one) => [one.inode, labelOf(one, containers.get(one.inode))]));
  return all.flatMap((namespace) => {
    const links = namespace.links.filter(({ name }) => name !== "lo");
    return (links.length === 0 ? [undefined] : links).map((link, i) => ({
      ...{ namespace, label: labels.get(namespace.inode)!, isFirst: i === 0, link },
      otherEnd: link === undefined ? "" : otherEndText(link, labels),
    }));
  });
}

function otherEndText({ isVeth, peer }: LinkWithPeer, labels: ReadonlyMap<number, string>): string {
  if (peer === undefined) return isVeth ? "not seen" : "";
  const label = labels.get(peer.inode);
  return label === ownLabel ? peer.name : `${peer.name} of ${label}`;
}

/** The further rows of a namespace leave these columns blank. */
const once = (text: (row: Row) => string) => (row: Row) => (row.isFirst ? text(row) : " ");

const columns: readonly Column<Row>[] = [
  {
    title: "NAMESPACE",
    yields: 0,
    widthMin: 20,
    cell: once(({ label }) => label),
    style: ({ isFirst }) => (isFirst ? "title" : undefined),
  },
  { title: "INODE", yields: 4, cell: once(({ namespace }) => String(namespace.inode)) },
  { title: "PROCESSES", yields: 3, widthMin: 10, cell: once(({ namespace }) => processesText(namespace)) },
  { title: "LINK", cell: ({ link }) => link?.name ?? "" },
  { title: "ADDRESSES", yields: 1, widthMin: 14, cell: ({ link }) => addressesOf(link?.addresses ?? []) },
  { title: "OTHER END", yields: 2, widthMin: 15, cell: ({ otherEnd }) => otherEnd },
];
