/** `ns-net lab restart POD` */
import { running } from "../../../lab/supervisor/client.ts";
import { restart } from "../../../lab/supervisor/restart.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { named } from "../../labs/named.ts";
import { chosen, jsonOption, labOptions } from "../../labs/options.ts";
import { progress } from "../../output/progress.ts";

export default command({
  about: "End the processes and namespaces of a pod, and start it again with the same addresses.",
  usage: "<pod> [options]",
  operands: [1, 1],
  options: { ...labOptions, ...jsonOption },
  more: `
Its command, servers, routes, published ports, links and impairments come back, and pods that join it restart, too. The
connections of other pods go on. Exits with 1 if its command fails at once; the pod runs then all the same.

  ns-net lab restart web`,

  async run({ options, operands: [pod = ""] }) {
    const state = chosen(options);
    const { lab } = await running(state);
    const { name } = named([...lab.pods, ...(lab.outside ? [{ name: "outside" }] : [])], pod, lab.name);
    const startMs = performance.now();
    using shown = progress(`restarting ${name}`);
    const restarted = await restart(lab.name, name, (done, total, now) => shown.at(done, now, total));
    const ms = Math.round(performance.now() - startMs);
    if (options.json) writeOut(`${JSON.stringify({ lab: lab.name, restarted, ms }, null, 2)}\n`);
    else writeOut(`restarted in ${ms} ms: ${restarted.join(", ")}\n`);
    return 0;
  },
});
