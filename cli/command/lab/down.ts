/** `ns-net lab down [FILE]` */
import { resolve } from "node:path";
import { labsUp } from "../../../lab/supervisor/client.ts";
import { everyLab, readState } from "../../../lab/supervisor/state.ts";
import { stopLab } from "../../../lab/supervisor/stop.ts";
import { sweep } from "../../../lab/supervisor/sweep.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { jsonOption } from "../../labs/options.ts";

export default command({
  about: "End a lab and everything in it. A lab that is not up is success.",
  usage: "[FILE] [options]",
  operands: [0, 1],
  options: { lab: { type: "string", value: "NAME", about: "the lab by its name, instead of its file" }, ...jsonOption },
  more: `
FILE is lab.yaml by default; it need not exist any more.

  ns-net lab down shop.yaml
  ns-net lab down --lab shop`,

  run({ options, operands: [file = "lab.yaml"] }) {
    sweep();
    const path = resolve(file);
    const names = everyLab().filter((name) => (options.lab ? name === options.lab : readState(name)?.file === path));
    if (options.json) {
      writeOut(
        `${JSON.stringify(
          names.map((lab) => ({ lab, wasUp: stopLab(lab) })),
          null,
          2,
        )}\n`,
      );
      return 0;
    }
    for (const name of names) writeOut(stopLab(name) ? `${name} is down\n` : `removed what was left of ${name}\n`);
    if (names.length === 0) {
      const up = labsUp().map(({ lab }) => lab);
      const hint = up.length > 0 ? `; up: ${up.join(", ")}\n  To end it: ns-net lab down --lab ${up[0]}` : "";
      process.stderr.write(`ns-net: ${options.lab ?? file} is not up${hint}\n`);
    }
    return 0;
  },
});
