/** `ns-net lab shell POD` */
import { command } from "../../command.ts";
import { runInPod } from "../../labs/inPod.ts";
import { chosen, labOptions } from "../../labs/options.ts";

export default command({
  about: "Open a shell in all namespaces of a pod. The prompt shows where you are.",
  usage: "<pod> [options]",
  operands: [1, 1],
  options: labOptions,
  more: `
The shell is that of SHELL, else sh. "host" is the lab's host, "outside" the simulated world.

  ns-net lab shell web`,

  run({ options, operands: [pod = ""] }) {
    const state = chosen(options);
    process.env["PS1"] = `${state.lab}/${pod}:\\w\\$ `; // for shells whose settings leave the prompt alone
    return runInPod(state, pod, [process.env["SHELL"] || "sh"]);
  },
});
