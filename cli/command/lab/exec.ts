/** `ns-net lab exec POD [--] command` */
import { code, Fault } from "../../../conf/fault.ts";
import { inspect } from "../../../lab/supervisor/client.ts";
import { processesOf } from "../../../lab/supervisor/processes.ts";
import { command } from "../../command.ts";
import { runInAll } from "../../inside/allNamespaces.ts";
import { suggestedName } from "../../labs/suggest.ts";
import { targetOf } from "../../target.ts";
import { chosen, labOptions } from "./options.ts";

export default command({
  about: "Run a command in all namespaces of a pod. Exits as the command does.",
  usage: "<pod> [options] [--] [command [arguments]]",
  operands: [1, 1],
  takesCommand: true,
  options: labOptions,
  more: `
Without a command it runs a shell. "host" is the lab's host, "outside" the simulated world.

  ns-net lab exec web ip address
  ns-net lab exec web`,

  async run({ options, operands: [pod = ""], rest }) {
    const state = chosen(options);
    const { pods } = await inspect(state);
    const pid = processesOf(state.pid, pods).get(pod);
    if (pid === undefined)
      throw new Fault(
        code.config,
        `The lab ${state.lab} has no pod ${pod}`,
        suggestedName(
          pod,
          pods.map(({ name }) => name),
        ),
      );
    const target = targetOf(`pid:${pid}`);
    return runInAll({ ...target, spec: pod }, target.path, rest.length > 0 ? rest : ["sh"]);
  },
});
