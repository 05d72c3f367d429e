/** `ns-net lab up [FILE]` */
import { sourceOf } from "../../../lab/file/readLabFile.ts";
import { labOf } from "../../../lab/model/resolve.ts";
import { startLab } from "../../../lab/supervisor/start.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { reportingMistakes } from "../../labs/mistakes.ts";
import { progress } from "../../output/progress.ts";

export default command({
  about:
    "Bring a lab up from its file: networks, pods, servers and commands, in namespaces of their own. All or nothing.",
  usage: "[FILE]",
  operands: [0, 1],
  options: {},
  more: `
FILE is lab.yaml by default. Without root the lab is in a user namespace. A lab that is up from the same file stays as it
is. The machine's network is never changed.

  ns-net lab up shop.yaml`,

  run: ({ operands: [file = "lab.yaml"] }) =>
    reportingMistakes(async () => {
      const source = sourceOf(file);
      const lab = labOf(source);
      const startMs = performance.now();
      using shown = progress(`bringing ${lab.name} up`);
      const isNew = await startLab(lab, source, (done, total, now) => shown.at(done, now, total));
      const ms = Math.round(performance.now() - startMs);
      const count = `${lab.pods.length} ${lab.pods.length === 1 ? "pod" : "pods"}`;
      writeOut(isNew ? `${lab.name} is up: ${count} in ${ms} ms\n` : `${lab.name} is up already\n`);
      return 0;
    }),
});
