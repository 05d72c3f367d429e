/** `ns-net lab inspect` */
import { inspect } from "../../../lab/supervisor/client.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { inspectText } from "../../labs/inspectText.ts";
import { chosen, jsonOption, labOptions } from "../../labs/options.ts";

export default command({
  about: "Show the namespaces of a lab: processes, inodes, interfaces, addresses and host ends.",
  usage: "[options]",
  operands: [0, 0],
  options: { ...labOptions, ...jsonOption },

  async run({ options }) {
    const found = await inspect(chosen(options));
    if (options.json) {
      const { lab, hosts, outside, pods } = found;
      writeOut(
        `${JSON.stringify({ lab, hosts, outside: outside ?? null, pods: pods.map(({ env: _, ...pod }) => pod) }, null, 2)}\n`,
      );
    } else writeOut(inspectText(found));
    return 0;
  },
});
