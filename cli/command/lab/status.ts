/** `ns-net lab status` */

import type { PodStatus } from "../../../lab/supervisor/answers.ts";
import { status } from "../../../lab/supervisor/client.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { chosen, jsonOption, labOptions } from "../../labs/options.ts";
import { type Column, table } from "../../output/table.ts";

export default command({
  about: "Show the pods of a lab: addresses, servers, ports, and how their commands do.",
  usage: "[options]",
  operands: [0, 0],
  options: { ...labOptions, ...jsonOption },
  more: `
RUN is running, done (exit code 0) or failed with its exit code; see "ns-net lab logs POD". Exits with 1 if one failed.`,

  async run({ options }) {
    const state = chosen(options);
    const pods = await status(state);
    if (options.json) writeOut(`${JSON.stringify({ lab: state.lab, pods }, null, 2)}\n`);
    else writeOut(table(columns, pods));
    return pods.some(isBad) ? 1 : 0;
  },
});

const isBad = ({ alive, run }: PodStatus) => !alive || run?.state === "failed";

const columns: readonly Column<PodStatus>[] = [
  { title: "POD", cell: ({ name }) => name },
  { title: "ADDRESSES", yields: 1, widthMin: 15, cell: ({ addresses }) => addresses },
  { title: "SERVES", yields: 2, widthMin: 8, cell: ({ serves }) => serves },
  { title: "PUBLISHES", yields: 3, widthMin: 9, cell: ({ publishes }) => publishes },
  {
    title: "RUN",
    cell({ alive, run }) {
      if (!alive) return "dead";
      return run === null ? "" : run.state === "failed" ? `failed (${run.exitCode})` : run.state;
    },
    style: (pod) => (isBad(pod) ? "bad" : undefined),
  },
];
