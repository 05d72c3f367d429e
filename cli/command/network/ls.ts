/** `ns-net network ls` */
import type { Network } from "../../../explain/networks/everyNetwork.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { withNetworks } from "../../networks/known.ts";
import { type Column, table } from "../../output/table.ts";
import { labOption, networkOptions } from "../options.ts";

export default command({
  about:
    "List networks: those of configurations, those that the store alone knows, and bridges that other programs made.",
  usage: "[options]",
  operands: [0, 0],
  options: { "data-dir": networkOptions["data-dir"], ...labOption, json: { type: "boolean", about: "print JSON" } },

  run({ options }) {
    const networks = withNetworks(options["data-dir"], ({ networks }) => networks);
    if (options.json) writeOut(`${JSON.stringify(networks.map(jsonOf), null, 2)}\n`);
    else writeOut(networks.length === 0 ? "There is no network.\n" : table(columns, networks));
    return 0;
  },
});

function jsonOf({ name, bridge, subnets, attachments, source, path }: Network) {
  return { name, bridge: bridge ?? null, subnets, attachments, source, file: path || null };
}

const columns: readonly Column<Network>[] = [
  { title: "NETWORK", cell: ({ name }) => name },
  { title: "BRIDGE", cell: ({ bridge }) => bridge ?? "" },
  { title: "SUBNETS", yields: 1, widthMin: 15, cell: ({ subnets }) => subnets },
  { title: "ATTACHED", isNumber: true, cell: ({ attachments }) => String(attachments) },
  { title: "FROM", yields: 2, widthMin: 12, cell: ({ path, source }) => path || source },
];
