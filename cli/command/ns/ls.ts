/** `ns-net ns ls` */
import type { Container } from "../../../explain/containers/container.ts";
import { everyContainer } from "../../../explain/containers/find.ts";
import { everyNamespace, type Namespace } from "../../../explain/namespaces/everyNamespace.ts";
import { containersByInode } from "../../../explain/namespaces/inside.ts";
import type { LinkWithPeer } from "../../../explain/namespaces/peers.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { columns, command } from "../../command.ts";
import { jsonOf } from "../../namespaces/json.ts";
import { addressesText, labelOf, processesText } from "../../namespaces/label.ts";
import { reportUnread } from "../../namespaces/unread.ts";

export default command({
  about:
    "List every network namespace of the machine, whichever program made it: named, or kept by a process, an open file\nor a mount; with its links, and for each veth where its other end is.",
  usage: "[options]",
  operands: [0, 0],
  options: { json: { type: "boolean", about: "print JSON" } },
  more: `
"host" is the namespace that the command runs in. The other words of the first column can be given to inspect, exec and
shell.

  ns-net ns ls
  ns-net ns ls --json | jq '.[].links[] | select(.name == "eth0") | .peer.name'`,

  run({ options }) {
    const all = everyNamespace();
    if (options.json) writeOut(`${JSON.stringify(all.map(jsonOf), null, 2)}\n`);
    else writeOut(table(all, containersByInode(all, everyContainer())));
    reportUnread(all);
    return 0;
  },
});

/** A row for each link except lo, and the namespace in the first of its rows. */
function table(all: readonly Namespace[], containers: ReadonlyMap<number, Container>): string {
  const labels = new Map(all.map((one) => [one.inode, labelOf(one, containers.get(one.inode))]));
  const rows = all.flatMap((one) => {
    const links = one.links.filter(({ name }) => name !== "lo");
    const head = [labels.get(one.inode)!, String(one.inode), processesText(one)];
    return (links.length === 0 ? [undefined] : links).map((link, i) => [
      ...(i === 0 ? head : ["", "", ""]),
      ...(link === undefined ? ["-", "-", ""] : [link.name, addressesText(link.addresses), otherEnd(link, labels)]),
    ]);
  });
  return columns([["NAMESPACE", "INODE", "PROCESSES", "LINK", "ADDRESSES", "OTHER END"], ...rows]);
}

function otherEnd({ isVeth, peer }: LinkWithPeer, labels: ReadonlyMap<number, string>): string {
  if (peer === undefined) return isVeth ? "not seen" : "";
  return `${peer.name} of ${labels.get(peer.inode)}`;
}
