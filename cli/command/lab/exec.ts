/** `ns-net lab exec POD [--] command` */
import { command } from "../../command.ts";
import { runInPod } from "../../labs/inPod.ts";
import { chosen, labOptions } from "../../labs/options.ts";

export default command({
  about: "Run a command in all namespaces of a pod. Exits as the command does.",
  usage: "<pod> [options] [--] [command [arguments]]",
  operands: [1, 1],
  takesCommand: true,
  options: labOptions,
  more: `
Without a command it runs sh. "host" is the lab's host, "outside" the simulated world.

  ns-net lab exec web ip address
  ns-net lab exec web -- ps -ef
  ns-net lab exec host nft list ruleset`,

  run: ({ options, operands: [pod = ""], rest }) => runInPod(chosen(options), pod, rest.length > 0 ? rest : ["sh"]),
});
