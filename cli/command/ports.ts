/** `ns-net ports` */
import { attachmentText } from "../../conf/attachment.ts";
import { everyPort, type Port } from "../../explain/ports/everyPort.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { openedStore } from "../attachments.ts";
import { command } from "../command.ts";
import { typedCure } from "../labs/cures.ts";
import { type Column, table } from "../output/table.ts";
import { labOption, networkOptions } from "./options.ts";

export default command({
  about:
    "List the published ports of the host, whichever program published them: ns-net, the reference's portmap, podman,\ndocker, or rules of iptables; with the container, and whether something listens there.",
  usage: "[options]",
  operands: [0, 0],
  options: { "data-dir": networkOptions["data-dir"], ...labOption, json: { type: "boolean", about: "print JSON" } },

  run({ options }) {
    using store = openedStore(options["data-dir"]);
    using kernel = openKernel();
    const { ports, lost } = everyPort(store, kernel);
    if (options.json) writeOut(`${JSON.stringify(ports.map(jsonOf), null, 2)}\n`);
    else writeOut(ports.length === 0 ? "No port is published.\n" : table(columns, ports));
    if (lost.length > 0) {
      const whose = lost.length === 1 ? attachmentText(lost[0]!.attachment) : `${lost.length} attachments`;
      process.stderr.write(
        `ns-net: the published ports of ${whose} are missing in the kernel: ${typedCure("ns-net repair")}\n`,
      );
    }
    return 0;
  },
});

function jsonOf({ protocol, hostAddress, hostPort, container, containerAddress, containerPort, by, listening }: Port) {
  return {
    ...{ protocol, hostAddress, hostPort, container: container ?? null },
    ...{ containerAddress: containerAddress ?? null, containerPort: containerPort ?? null },
    ...{ by, listening: listening ?? null },
  };
}

const columns: readonly Column<Port>[] = [
  { title: "HOST", cell: ({ hostAddress, hostPort, protocol }) => `${place(hostAddress, hostPort)}/${protocol}` },
  { title: "CONTAINER", yields: 1, widthMin: 12, cell: ({ container }) => container ?? "" },
  {
    title: "LEADS TO",
    cell: ({ containerAddress, containerPort }) =>
      containerAddress === undefined ? "" : place(containerAddress, containerPort),
  },
  { title: "BY", cell: ({ by }) => by },
  {
    title: "LISTENS",
    cell: ({ listening }) => (listening === undefined ? "unknown" : listening ? "yes" : "no"),
    style: ({ listening }) => (listening === undefined ? "unsure" : listening ? "good" : "bad"),
  },
];

/** `10.1.0.2:80`, `[fd00::2]:80` */
function place(address: string, port: number | undefined): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port ?? "?"}`;
}
