/** `ns-net lab up [FILE]` */

import type { Source } from "../../../lab/file/mistakes.ts";
import { sourceOf } from "../../../lab/file/readLabFile.ts";
import type { Lab } from "../../../lab/model/lab.ts";
import { labOf } from "../../../lab/model/resolve.ts";
import { startLab } from "../../../lab/supervisor/start.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { reportingMistakes } from "../../labs/mistakes.ts";
import { jsonOption } from "../../labs/options.ts";
import { progress } from "../../output/progress.ts";

async function started(lab: Lab, source: Source): Promise<boolean> {
  using shown = progress(`bringing ${lab.name} up`);
  return await startLab(lab, source, (done, total, now) => shown.at(done, now, total));
}

export default command({
  about:
    "Bring a lab up from its file: networks, pods, servers and commands, in namespaces of their own. All or nothing.",
  usage: "[FILE] [options]",
  operands: [0, 1],
  options: jsonOption,
  more: `
FILE is lab.yaml by default. Without root the lab is in a user namespace. A lab that is up from the same file stays as it
is; if the file changed, use apply. The machine's network is never changed.

  ns-net lab up shop.yaml`,

  run: ({ options, operands: [file = "lab.yaml"] }) =>
    reportingMistakes(async () => {
      const source = sourceOf(file);
      const lab = labOf(source);
      const startMs = performance.now();
      const isNew = await started(lab, source);
      const ms = Math.round(performance.now() - startMs);
      if (options.json) {
        writeOut(`${JSON.stringify({ lab: lab.name, pods: lab.pods.length, isNew, ms }, null, 2)}\n`);
        return 0;
      }
      const count = `${lab.pods.length} ${lab.pods.length === 1 ? "pod" : "pods"}`;
      writeOut(isNew ? `${lab.name} is up: ${count} in ${ms} ms\n` : `${lab.name} is up already\n`);
      return 0;
    }),
});
