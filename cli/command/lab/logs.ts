/** `ns-net lab logs POD` */
import { code, Fault } from "../../../conf/fault.ts";
import { logs, status } from "../../../lab/supervisor/client.ts";
import { writeBytes } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { named } from "../../labs/named.ts";
import { chosen, labOptions } from "../../labs/options.ts";

export default command({
  about: "Print what the command of a pod (its run) has written: the last mebibyte.",
  usage: "<pod> [options]",
  operands: [1, 1],
  options: {
    ...labOptions,
    follow: { type: "boolean", short: "f", about: "print also what it will write, until it ends" },
  },
  more: `
  ns-net lab logs web
  ns-net lab logs web -f`,

  async run({ options, operands: [pod = ""] }) {
    const state = chosen(options);
    const { run } = named(await status(state), pod, state.lab);
    if (run === null) throw new Fault(code.config, `${pod} has no command`, `Write run: at ${pod} in ${state.file}`);
    for await (const chunk of logs(state, pod, options.follow === true)) if (!writeBytes(chunk)) break;
    return 0;
  },
});
