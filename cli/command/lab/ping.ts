/** `ns-net lab ping` */
import { pingAll } from "../../../lab/supervisor/client.ts";
import type { Pair } from "../../../lab/tests/everyPair.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { isAsExpected, matrix } from "../../labs/matrix.ts";
import { chosen, jsonOption, labOptions } from "../../labs/options.ts";
import { progress } from "../../output/progress.ts";

export default command({
  about: "Ping from every pod to every other. Exits with 1 if something is not as the networks say.",
  usage: "[options]",
  operands: [0, 0],
  options: { ...labOptions, ...jsonOption },
  more: `
Each line shows whom a pod reaches; X is no answer. What is not as expected by the networks' isolation ends in "!".`,

  async run({ options }) {
    const state = chosen(options);
    const pairs: Pair[] = [];
    {
      using shown = progress("pings");
      for await (const one of pingAll(state)) shown.at(pairs.push(one), `${one.from} -> ${one.to}`);
    }
    const wrong = pairs.filter((one) => !isAsExpected(one)).length;
    if (options.json) writeOut(`${JSON.stringify({ lab: state.lab, pairs }, null, 2)}\n`);
    else writeOut(`${matrix(pairs)}${pairs.length - wrong} of ${pairs.length} as expected\n`);
    return wrong === 0 ? 0 : 1;
  },
});
